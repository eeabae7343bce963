// A node's id and subnets.

import type { Stores } from "../kube/stores.ts";
import { ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { type Decides, decided, type Tell } from "./deciding.ts";
import type { NodeLives } from "./nodeLives.ts";

export const nodeDecision = (
  lives: NodeLives,
  stores: Pick<Stores, "Node">,
  tell: Tell,
  signal: AbortSignal,
): Decides<"Node"> => ({
  kind: "node",
  reads: { Node: (change) => sidesOf(change).map(({ name }) => ownerOf("node", name)) },
  async decide({ name }) {
    const node = stores.Node.get("", name);
    if (!node) {
      lives.gone(name);
      return { release: () => lives.release(name) };
    }
    await decided(node, () => lives.decide(stores.Node.get("", name) ?? node), tell, signal);
    return {};
  },
});
