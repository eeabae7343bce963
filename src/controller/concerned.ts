// Asks all kinds of owners that read a kind of object which of their owners a change concerns.

import type { Kind, KubeObject } from "../kube/kinds.ts";
import type { Change } from "../kube/store.ts";
import type { Stores } from "../kube/stores.ts";
import type { ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { AnyConcerns } from "../observe/concerns.ts";
import type { Sighting } from "../observe/observed.ts";

/** The owners that a change of any object concerns. */
type Reader = (change: Change<KubeObject>, stores: Stores) => Iterable<Owner>;

export class Concerned {
  readonly #all: readonly AnyConcerns[];
  readonly #stores: Stores;
  readonly #readers: ReadonlyMap<Kind, readonly Reader[]>;

  constructor(all: readonly AnyConcerns[], stores: Stores) {
    this.#all = all;
    this.#stores = stores;
    // A store only holds objects of its own kind, but the compiler cannot follow that through a loop over kinds.
    const readers = all.flatMap(({ reads }) => Object.entries(reads) as [Kind, Reader][]);
    const byKind = Map.groupBy(readers, ([kind]) => kind);
    this.#readers = new Map([...byKind].map(([kind, of]) => [kind, of.map(([, reader]) => reader)]));
  }

  /** An owner may come several times. */
  *byObject(change: Change<KubeObject>): Iterable<Owner> {
    const kind = (change.new ?? change.old)?.kind;
    for (const reader of (kind && this.#readers.get(kind)) ?? []) yield* reader(change, this.#stores);
  }

  bySighting(sighting: Sighting): ReadonlySet<Owner> {
    return new Set(this.#all.flatMap(({ sees }) => [...(sees?.(sighting, this.#stores) ?? [])]));
  }

  /** The owners whose view of the node has changed. */
  byNode(
    name: string,
    before: ResolvedNode | undefined,
    after: ResolvedNode | undefined,
  ): ReadonlySet<Owner> {
    const changed = this.#all.flatMap(({ nodes }) =>
      nodes && (before && nodes.view(before)) !== (after && nodes.view(after)) ? nodes : [],
    );
    return new Set(changed.flatMap((nodes) => [...nodes.owners(name, this.#stores, before, after)]));
  }
}
