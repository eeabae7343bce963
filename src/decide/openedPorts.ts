// Which closed ports of one pool pass packets. A port opens as soon as the policies of its pod are in force, and stays open
// until the pod is gone. One that an earlier leader opened stays open until its pod is seen or its agent says that it is
// spent: no other pod can have claimed it before, and the pod may only not be listed.

import type { Pod } from "../kube/objects.ts";
import type { PoolPort } from "../model/pool.ts";

export interface OpeningInputs {
  /** Whether the database drops the port's packets. */
  readonly isHeldBack: (port: PoolPort) => boolean;
  /** Whether the policies that select the pod, perhaps none, are in force on the port. */
  readonly isInForce: (pod: Pod, port: PoolPort) => boolean;
}

export class OpenedPorts {
  /** offset -> uid of the pod that the port was opened for */
  readonly #opened = new Map<number, string>();
  /** Offsets of ports that passed packets before this leader, whose pods have not been seen since. */
  readonly #inherited: Set<number>;

  /** `inherited`: offsets of the ports that pass packets already. */
  constructor(inherited: Iterable<number>) {
    this.#inherited = new Set(inherited);
  }

  /** The port's pod has been seen, its agent says that it is spent, or it is made again. */
  settle(offset: number): void {
    this.#inherited.delete(offset);
  }

  get inherited(): readonly number[] {
    return [...this.#inherited];
  }

  /** Decides whether the port passes packets now. `pod` is the one that has it. */
  decide(port: PoolPort, pod: Pod | undefined, { isHeldBack, isInForce }: OpeningInputs): boolean {
    if (!pod) {
      this.#opened.delete(port.offset);
      return this.#inherited.has(port.offset);
    }
    // If the database already passes the packets, an earlier leader has opened the port for this pod: no other pod
    // could have claimed it.
    const isOpen = this.#opened.get(port.offset) === pod.uid || !isHeldBack(port) || isInForce(pod, port);
    if (isOpen) this.#opened.set(port.offset, pod.uid);
    else this.#opened.delete(port.offset);
    return isOpen;
  }
}
