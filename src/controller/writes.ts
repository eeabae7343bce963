// What a leader writes on Kubernetes' objects: choices, addresses and statuses. Each write ends by itself when the API
// server does not answer, and with the signal.

import type { KubeClient } from "../kube/client.ts";
import { annotate, setAnnouncers, setGrant, setIngress } from "../kube/write.ts";
import { makeFor, setGiven, unmake } from "../kube/writeFloatingAddress.ts";
import { setLearnedInForce } from "../kube/writeLearnedName.ts";
import { setPolicyCondition } from "../kube/writePolicyCondition.ts";
import type { PlanningOptions } from "./planningOptions.ts";
import type { PolicyNews } from "./policyNews.ts";

/** Longer than an API server waits for a webhook by default, so that its own answer comes first. */
const timeoutMs = 15_000;

export interface Writes
  extends Pick<PlanningOptions, "patch" | "writeServiceStatus" | "writeFloating" | "writeLearned"> {
  readonly writeCondition: PolicyNews["condition"];
}

export function writesOf(client: KubeClient, signal: AbortSignal): Writes {
  const limits = { signal, timeoutMs };
  return {
    patch: ({ annotations, ifVersion, ...object }) =>
      annotate(client, object, annotations, { ...limits, ifVersion }),
    writeServiceStatus: (service, status) => {
      if ("ingress" in status) return setIngress(client, service, status.ingress, limits);
      if ("granted" in status) return setGrant(client, service, status.granted, limits);
      return setAnnouncers(client, service, status.announcers, limits);
    },
    writeFloating: {
      status: (floating, status) => setGiven(client, floating, status, new Date(), limits),
      make: (pod, wish) => makeFor(client, pod, wish, limits),
      unmake: (floating) => unmake(client, floating, limits),
    },
    writeLearned: (object, generation) => setLearnedInForce(client, object, generation, limits),
    writeCondition: (policy, condition) => setPolicyCondition(client, policy, condition, new Date(), limits),
  };
}
