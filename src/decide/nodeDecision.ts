// A node's id and subnets, and whether its chassis is its own.

import type { Stores } from "../kube/stores.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { type Decides, decided, type Tell } from "./deciding.ts";
import type { NodeLives } from "./nodeLives.ts";

export interface NodeDecisionOptions {
  readonly lives: NodeLives;
  readonly stores: Pick<Stores, "Node">;
  /** Whether the owner has rows in the database. */
  readonly hasRows: (owner: Owner) => boolean;
  /** Asks for the owner to be planned again after a while. */
  readonly again: (owner: Owner, delayMs: number) => void;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

const ofNode = (name: string): Owner => ownerOf("node", name);
const untilRowsGoMs = 5_000;
const whileClashingMs = 30_000;

export const nodeDecision = (options: NodeDecisionOptions): Decides<"Node"> => ({
  kind: "node",
  reads: { Node: (change) => sidesOf(change).map(({ name }) => ofNode(name)) },
  async decide({ name }) {
    const { lives, stores, tell, again, signal } = options;
    const node = stores.Node.get("", name);
    if (!node) {
      lives.gone(name);
      return { release: () => releaseWithRows(options, name) };
    }
    const clash = lives.clash(node);
    if (clash) {
      // The other node may give it up.
      again(ofNode(name), whileClashingMs);
      for (const one of [node, stores.Node.get("", clash.holder)]) if (one) tell.refused(one, clash.reason);
    }
    await lives.answer(node);
    await decided(node, () => lives.decide(stores.Node.get("", name) ?? node), tell, signal);
    return {};
  },
});

/** Rows prove which node has a subnet: as long as one is left, no other node gets it. */
function releaseWithRows({ lives, stores, hasRows, again }: NodeDecisionOptions, name: string): void {
  if (stores.Node.get("", name)) return;
  if (hasRows(ofNode(name))) again(ofNode(name), untilRowsGoMs);
  else lives.release(name);
}
