// The runner's writes about pods, over the real API. Each carries the pod's uid, so that a new pod of the same name is
// not mistaken for the one that ran here.

import type { KubeClient } from "../../src/kube/client.ts";
import type { EventRecorder } from "../../src/kube/recorder.ts";
import { pathOf } from "../../src/kube/resource.ts";
import { rawKinds } from "../client/kinds.ts";
import type { Pod } from "../client/objects.ts";
import { stillThere } from "../client/still-there.ts";
import type { ReportsApi } from "./pod-reports.ts";

export function podApi(client: KubeClient, events: EventRecorder): ReportsApi {
  return {
    patchStatus: (pod, status) => {
      const { namespace, name, uid } = pod.metadata;
      const patch = { metadata: { uid }, status };
      return stillThere(() => client.patch(pathOf(rawKinds.pod, namespace, name, "status"), patch));
    },
    remove: async (pod) => {
      const { namespace, name, uid = "" } = pod.metadata;
      const options = { uid, gracePeriodSeconds: 0 };
      await stillThere(() => client.delete(pathOf(rawKinds.pod, namespace, name), options));
    },
    event: (pod: Pod, type, reason, message) => {
      const { namespace = "", name, uid = "" } = pod.metadata;
      events.record({ kind: "Pod", namespace, name, uid }, type, reason, message);
    },
  };
}
