// The ready ports of a node, before there are pods for them.

import { ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { poolFacts } from "../plan/pool.ts";
import type { OwnerKind } from "./kind.ts";

export const poolKind: OwnerKind<"Node"> = {
  name: "pool",
  of: "Node",
  reads: { Node: (change) => sidesOf(change).map(({ name }) => ownerOf("pool", name)) },
  tables: ["Address_Set", "Logical_Switch", "Logical_Switch_Port"],
  plan(owner, { name }, { scope, stores, places }) {
    if (!stores.Node.get("", name)) return { facts: [] };
    const node = places.node(name);
    const pool = places.pool(name);
    return node && pool ? { facts: poolFacts(scope, owner, node, pool) } : "as before";
  },
};
