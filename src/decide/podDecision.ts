// A pod's addresses.

import type { Pod } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import type { PodPlace } from "../model/places.ts";
import { type Decides, decided, type Tell } from "./deciding.ts";
import type { Decision } from "./decision.ts";
import type { NodeLives } from "./nodeLives.ts";
import { wantsAddress } from "./places.ts";
import type { PodLives } from "./podLives.ts";
import { podOwners } from "./podOwners.ts";

export const podDecision = (
  lives: PodLives,
  nodes: NodeLives,
  stores: Pick<Stores, "Pod">,
  tell: Tell,
  signal: AbortSignal,
): Decides<"Pod"> => ({
  kind: "pod",
  reads: { Pod: podOwners },
  async decide({ namespace, name }) {
    let pod = stores.Pod.get(namespace, name);
    // Another pod of the same name may appear while this one's choice is being written.
    const ask = (): Decision<PodPlace> => {
      pod = stores.Pod.get(namespace, name);
      return pod ? lives.decide(pod) : { state: "none" };
    };
    const place = pod && (await decided(pod, ask, tell, signal));
    if (pod && place && nodes.get(pod.nodeName)) tell.decided(pod);
    const former = lives.former(namespace, name, pod && livingUid(pod));
    if (former.length === 0) return {};
    return {
      release: () => {
        // While its deletion was held, the pod may have been listed again.
        const now = stores.Pod.get(namespace, name);
        const living = now && livingUid(now);
        for (const uid of former) if (uid !== living) lives.release(namespace, name, uid);
      },
    };
  },
});

const livingUid = (pod: Pod): string | undefined => (wantsAddress(pod) ? pod.uid : undefined);
