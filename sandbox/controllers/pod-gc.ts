// Deletes without grace the pods that nobody else will ever end: those whose node is gone from the API. If their runner
// still lives, it sees the deletion and takes them down.

import { pathOf } from "../../src/kube/resource.ts";
import { rawKinds } from "../client/kinds.ts";
import { stillThere } from "../client/still-there.ts";
import { type Context, type Controller, keyOf } from "./context.ts";

export function podGarbageCollector({ client, stores: { nodes, pods } }: Context): Controller {
  return {
    name: "podgc",
    watch: (add) => {
      nodes.subscribe((changes) => {
        for (const { old, new: now } of changes) {
          if (old && !now) for (const pod of pods.by("node", old.name)) add(keyOf(pod));
        }
      });
      pods.subscribe((changes) => {
        for (const { old, new: pod } of changes) if (!old && pod) add(keyOf(pod));
      });
    },
    sync: async (namespace, name) => {
      const pod = pods.get(namespace, name);
      const node = pod?.raw.spec.nodeName ?? "";
      if (!pod || node === "" || nodes.get("", node)) return;
      // The store may not know a new node yet, so the API decides.
      if (await stillThere(() => client.get(pathOf(rawKinds.node, "", node)))) return;
      await stillThere(() =>
        client.delete(pathOf(rawKinds.pod, namespace, name), { uid: pod.uid, gracePeriodSeconds: 0 }),
      );
    },
  };
}
