// Finds out when it is certain which pods are in no group. An object that may decide about that and is not listed is unconfirmed
// (select/unconfirmed.ts) until its owner has been planned, and the object is listed or known to be gone.
//
//   state      begins when                       what pods, nodes and groups no longer state
//   uncertain  something is unconfirmed          stays: each of them may still be in the group
//   closing    only one thing is left, and it    stays, until all pods and nodes have been planned with that one
//              is there or known to be gone
//   certain    they have been planned            goes, as pods, nodes and groups are planned once more
//
// Something may become unconfirmed at any time. Then it is uncertain again.

import { blockKind, peerKind, subjectKind } from "../kinds/groups.ts";
import { podKind } from "../kinds/pod.ts";
import type { Stores } from "../kube/stores.ts";
import { type Owner, ownerOf, parseOwner } from "../model/owner.ts";
import type { Unconfirmed } from "../select/unconfirmed.ts";

export interface ConfirmingOptions {
  readonly stores: Pick<Stores, "Namespace" | "Node" | "Pod">;
  readonly enqueue: (owner: Owner) => void;
  /** Resolves when all that is queued is planned. */
  readonly planned: () => Promise<void>;
  /** The owners that have rows. */
  readonly withRows: () => Iterable<Owner>;
}

export class Confirming {
  readonly #options: ConfirmingOptions;
  readonly #unconfirmed: Unconfirmed;
  /** Called when `what` is there, or known to be gone. */
  readonly #onConfirmed: (what: string) => void;
  /** Namespaces of pods that are not listed themselves. */
  readonly #namespaces = new Set<string>();
  /** The last thing that was unconfirmed, while all is planned with it. */
  #closing: string | undefined;

  constructor(options: ConfirmingOptions, unconfirmed: Unconfirmed, onConfirmed: (what: string) => void) {
    this.#options = options;
    this.#unconfirmed = unconfirmed;
    this.#onConfirmed = onConfirmed;
  }

  /**
   * A pod always has a namespace, so if the namespace is unknown, a list has left it out, and with it labels that
   * decide about groups.
   */
  needNamespace(name: string): void {
    if (this.#namespaces.has(name) || this.#options.stores.Namespace.get("", name)) return;
    this.#namespaces.add(name);
    this.#unconfirmed.add(ownerOf("namespace", name));
  }

  /** Looks which of the namespaces are listed now, or have no pods any more. */
  lookForNamespaces(): void {
    if (this.#namespaces.size === 0) return;
    const { stores, withRows } = this.#options;
    const withPorts = [...withRows()].map(parseOwner).filter(({ kind }) => kind === podKind.name);
    const populated = new Set([...stores.Pod.values(), ...withPorts].map(({ namespace }) => namespace));
    for (const name of this.#namespaces)
      if (stores.Namespace.get("", name) || !populated.has(name)) {
        this.#namespaces.delete(name);
        this.confirm(ownerOf("namespace", name));
      }
  }

  /** The owner has been planned, and its object exists or is known to be gone. */
  confirm(what: string): void {
    if (!this.#unconfirmed.isOnly(what)) {
      this.#unconfirmed.confirm(what);
      this.#onConfirmed(what);
      return;
    }
    this.#unconfirmed.asked(what);
    if (this.#closing === what) return;
    this.#closing = what;
    this.#enqueueMembers();
    void this.#close(what);
  }

  async #close(what: string): Promise<void> {
    const { planned, withRows, enqueue } = this.#options;
    await planned();
    this.#closing = undefined;
    this.#unconfirmed.confirm(what);
    this.#onConfirmed(what);
    if (!this.#unconfirmed.isEmpty) return;
    this.#enqueueMembers();
    for (const owner of withRows()) if (isGroup(owner)) enqueue(owner);
  }

  #enqueueMembers(): void {
    const { enqueue, stores } = this.#options;
    for (const { namespace, name } of stores.Pod.values()) enqueue(ownerOf("pod", name, namespace));
    for (const { name } of stores.Node.values()) enqueue(ownerOf("node", name));
  }
}

const isGroup = (owner: Owner): boolean => {
  const { kind } = parseOwner(owner);
  return [blockKind, peerKind, subjectKind].some(({ name }) => name === kind);
};
