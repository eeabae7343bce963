// A pod's addresses.

import type { Pod } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import type { Owner } from "../model/owner.ts";
import type { PodPlace } from "../model/places.ts";
import { type Decides, decided, type Tell } from "./deciding.ts";
import type { Decision } from "./decision.ts";
import type { NodeLives } from "./nodeLives.ts";
import { wantsAddress } from "./places.ts";
import { lifeOf, type PodLives } from "./podLives.ts";
import { ownerOfPod, podOwners } from "./podOwners.ts";

export interface PodDecisionOptions {
  readonly lives: PodLives;
  readonly nodes: NodeLives;
  readonly stores: Pick<Stores, "Pod">;
  /** Asks for the owner to be planned again after a while. */
  readonly again: (owner: Owner, delayMs: number) => void;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

export const podDecision = ({
  lives,
  nodes,
  stores,
  again,
  now,
  tell,
  signal,
}: PodDecisionOptions): Decides<"Pod"> => ({
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
    const waitMs = pod ? 0 : lives.awaitMirror(namespace, name, now());
    if (waitMs > 0) {
      again(ownerOfPod({ namespace, name }), waitMs);
      return {};
    }
    const former = lives.former(namespace, name, pod && livingOf(pod));
    if (former.length === 0) return {};
    return {
      release: () => {
        // While its deletion was held, the pod may have been listed again.
        const back = stores.Pod.get(namespace, name);
        const living = back && livingOf(back);
        for (const life of former) if (life !== living) lives.release(namespace, name, life);
      },
    };
  },
});

const livingOf = (pod: Pod): string | undefined => (wantsAddress(pod) ? lifeOf(pod) : undefined);
