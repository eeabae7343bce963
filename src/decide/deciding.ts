// What the decisions of all kinds of owner have in common. A decision comes before the plan and ends when the choice is
// durable, so the plan only reads. Each kind has a file of its own.

import type { Kind, ObjectRef } from "../kube/kinds.ts";
import type { Node, Pod, Service } from "../kube/objects.ts";
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

/** What remains to be done after the owner has been planned. */
export interface Followup {
  /** Call it at once: the owner's facts have been stated. */
  readonly stated?: () => void;
  /** Call it at once: it tells others what was decided. */
  readonly publish?: () => Promise<void>;
  /** Call it when no row is left of what the owner no longer states: it frees what was chosen for the owner. */
  readonly release?: () => void;
}

/** What to tell people and metrics. */
export interface Tell {
  readonly refused: (object: Node | Pod, reason: string) => void;
  readonly distrusted: (object: Node | Pod, reason: string) => void;
  readonly decided: (pod: Pod) => void;
}

export interface ServiceTell {
  /** Which nodes announce its addresses from now on. */
  readonly announced: (service: Service, message: string) => void;
  /** An address from outside that the Service asks for and does not get. */
  readonly notGiven: (
    service: Service,
    reason: "NoAddress" | "AddressTaken" | "AddressRefused" | "NotAnnounced",
    message: string,
  ) => void;
}

export interface FloatingTell {
  /** Where its addresses lead from now on; on a FloatingAddress, or on the pod that asks for one. */
  readonly floating: (object: ObjectRef, message: string) => void;
  /** What it asks for and does not get. */
  readonly notFloating: (object: ObjectRef, reason: string, message: string) => void;
}

/** Asks until the choice is durable. Undefined when there is nothing to choose now. */
export async function decided<T>(
  object: Node | Pod,
  ask: () => Decision<T>,
  tell: Tell,
  signal: AbortSignal,
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
        signal.throwIfAborted();
    }
  }
}
