// How each kind of owner that needs a decision gets it: the step before its plan. It ends when the choice is durable, so that the
// plan that follows only reads. One file per kind; this one says what they have in common.

import type { Kind } from "../kube/kinds.ts";
import type { Node, Pod } from "../kube/objects.ts";
import type { OwnerName } from "../model/owner.ts";
import type { AnyConcerns, Concerns } from "../observe/concerns.ts";
import type { Decision } from "./decision.ts";
import { NotNow } from "./errors.ts";

export interface Decides<K extends Kind = Kind> extends Concerns<K> {
  /** The kind of owner. */
  readonly kind: string;
  /** Rejects with NotNow when it has to be tried again. */
  decide(name: OwnerName): Promise<Followup>;
}

/** Any of them. */
export type AnyDecides = AnyConcerns & Omit<Decides, "reads">;

/** What is left to do after the owner's plan. */
export interface Followup {
  /** To be done at once: tells others what was decided. */
  readonly publish?: () => Promise<void>;
  /** To be done when no row is left of what the owner no longer says: sets free what was chosen for it. */
  readonly release?: () => void;
}

/** What there is to say to people and to metrics. */
export interface Tell {
  readonly refused: (object: Node | Pod, reason: string) => void;
  readonly distrusted: (object: Node | Pod, reason: string) => void;
  readonly decided: (pod: Pod) => void;
}

/** Asks until the choice is durable; undefined when there is nothing to choose now. */
export async function decided<T>(
  object: Node | Pod,
  ask: () => Decision<T>,
  tell: Tell,
): Promise<T | undefined> {
  for (;;) {
    const decision = ask();
    switch (decision.state) {
      case "ready":
        return decision.value;
      case "none":
      case "waiting":
        return undefined;
      case "refused":
        tell.refused(object, decision.reason);
        throw new NotNow(decision.reason);
      case "pending":
        if (decision.distrusted !== undefined) tell.distrusted(object, decision.distrusted);
        await decision.written;
    }
  }
}
