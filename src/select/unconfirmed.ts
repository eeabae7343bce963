// Policies, namespaces and pods that are not listed, although rows, ports or listed pods refer to them. They may decide who is
// in which group, and the list may have left them out by mistake. So the API server is asked for each of them.
//
//   state      what is known of it                                             leaves the state when
//   unasked    nothing: nobody has asked the API server yet                    the answer is here, whatever it is: `asked`
//   asked      nothing that counts: no answer, or a server that is in doubt    it is listed, or known to be gone: `confirm`
//   confirmed  it is there, or it is gone; it is not kept here any more        -
//
// While anything is unconfirmed, it is uncertain which pods are in no group.

import { parseOwner } from "../model/owner.ts";

export class Unconfirmed {
  /** An owner, or the name of a port -> its state */
  readonly #states = new Map<string, "unasked" | "asked">();

  get isEmpty(): boolean {
    return this.#states.size === 0;
  }

  has(what: string): boolean {
    return this.#states.has(what);
  }

  isOnly(what: string): boolean {
    return this.#states.size === 1 && this.#states.has(what);
  }

  /** Whether a policy about pods of this namespace may exist that nobody has asked for yet. */
  mayMissPolicyIn(namespace: string): boolean {
    return [...this.#states].some(([what, state]) => {
      const { kind, namespace: where } = parseOwner(what);
      return state === "unasked" && (where === namespace || (where === "" && kind !== "namespace"));
    });
  }

  add(what: string): void {
    this.#states.set(what, "unasked");
  }

  asked(what: string): void {
    if (this.#states.has(what)) this.#states.set(what, "asked");
  }

  confirm(what: string): void {
    this.#states.delete(what);
  }
}
