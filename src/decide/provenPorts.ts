// Which ready ports a node has after a restart, and in what state. Rows prove them; the offer, an annotation that others
// may write, only adds what rows do not say.

import type { PoolOffer, PoolPort } from "../model/pool.ts";
import type { PoolRow } from "../observe/poolRows.ts";
import type { PortKind } from "./nodePool.ts";

export interface ProvenPort {
  readonly port: PoolPort;
  readonly kind: PortKind;
  /** The agent may claim an offered port, but not a withdrawn one. */
  readonly state: "offered" | "withdrawn";
}

/** In order of proof: of two with one place, the first is right. */
export function provenPorts(offer: PoolOffer | undefined, rows: readonly PoolRow[]): readonly ProvenPort[] {
  const heldBack = new Set(rows.filter((row) => row.isHeldBack).map(({ offset }) => offset));
  const tagOf = new Map(rows.map(({ offset, tag }) => [offset, tag]));
  const rowTags = new Set(tagOf.values());
  // An offer that names another tag than the row was not written by a controller.
  const isProven = ({ offset, tag }: PoolPort): boolean =>
    tagOf.has(offset) ? tagOf.get(offset) === tag : tag === undefined || !rowTags.has(tag);
  const proven = (
    ports: readonly PoolPort[] | undefined,
    as: (port: PoolPort) => Omit<ProvenPort, "port">,
  ): readonly ProvenPort[] => (ports ?? []).filter(isProven).map((port) => ({ port, ...as(port) }));
  const withdrawn = (): Omit<ProvenPort, "port"> => ({ kind: "closed", state: "withdrawn" });
  return [
    // An open port that is held back: the offer comes from a restored backup. The port has been closed since, and may be
    // in use as a closed one.
    ...proven(offer?.open, ({ offset }) =>
      heldBack.has(offset) ? withdrawn() : { kind: "open", state: "offered" },
    ),
    ...proven(offer?.closed, () => ({ kind: "closed", state: "offered" })),
    // A withdrawn port's kind is not recorded. Treating it as closed is safe for both.
    ...proven(offer?.withdrawn, withdrawn),
    // A row that no offer names may have been offered once; nobody knows.
    ...rows.map(({ offset, tag }) => ({ port: { offset, tag }, ...withdrawn() })),
  ];
}
