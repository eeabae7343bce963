// A pod's addresses.

import { isDeepStrictEqual } from "node:util";
import type { Pod } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import type { Owner } from "../model/owner.ts";
import type { PodPlace } from "../model/places.ts";
import { type Decides, decided, type Tell } from "./deciding.ts";
import type { Decision } from "./decision.ts";
import { NotNow } from "./errors.ts";
import type { NodeLives } from "./nodeLives.ts";
import { wantsAddress } from "./places.ts";
import { lifeOf, type PodLives } from "./podLives.ts";
import { ownerOfPod, podOwners } from "./podOwners.ts";
import type { Policing } from "./policing.ts";

export interface PodDecisionOptions {
  readonly lives: PodLives;
  readonly nodes: NodeLives;
  readonly stores: Pick<Stores, "Pod">;
  /** Asks for the owner to be planned again after a while. */
  readonly again: (owner: Owner, delayMs: number) => void;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  /** Undefined when nothing is ever sent: then no port has to wait. */
  readonly policing: Policing | undefined;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

export const podDecision = ({
  lives,
  nodes,
  stores,
  again,
  now,
  policing,
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
    // While the choice is being written, the policies are looked after.
    const begun = pod && lives.needsPort(pod) ? pod : undefined;
    const prepared = begun && policing?.prepared(begun);
    prepared?.catch(() => undefined);
    const place = pod && (await decided(pod, ask, tell, signal));
    await prepared;
    // With other labels, other policies may select it.
    const present = stores.Pod.get(namespace, name);
    if (begun && present && !isAlike(begun, present)) throw new NotNow("the pod has changed in the meantime");
    const hasPort = place !== undefined && nodes.get(pod?.nodeName ?? "") !== undefined;
    if (pod && hasPort) tell.decided(pod);
    const stated = (): void => {
      if (pod) lives.planned(pod, hasPort);
    };
    const waitMs = pod ? 0 : lives.awaitMirror(namespace, name, now());
    if (waitMs > 0) {
      again(ownerOfPod({ namespace, name }), waitMs);
      return {};
    }
    const former = lives.former(namespace, name, pod && livingOf(pod));
    if (former.length === 0) return { stated };
    return {
      stated,
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

const isAlike = (a: Pod, b: Pod): boolean => a.uid === b.uid && isDeepStrictEqual(a.labels, b.labels);
