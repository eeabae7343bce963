// A node: its switch and, in overlay mode, its gateway router.

import { ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { withinHostLimit } from "../plan/hostLimit.ts";
import { type OwnerKind, saying } from "./kind.ts";

export const nodeKind: OwnerKind<"Node"> = {
  name: "node",
  of: "Node",
  reads: { Node: (change) => sidesOf(change).map(({ name }) => ownerOf("node", name)) },
  sees: ({ what }, { Node }) =>
    what === "tenant" ? [...Node.values()].map(({ name }) => ownerOf("node", name)) : [],
  tables: [
    "Port_Group",
    "ACL",
    "Address_Set",
    "Logical_Router",
    "Logical_Router_Policy",
    "Logical_Router_Port",
    "Logical_Router_Static_Route",
    "Logical_Switch",
    "Logical_Switch_Port",
    "NAT",
    "Static_MAC_Binding",
  ],
  plan(owner, { name }, { cloud, places, stores }) {
    const node = places.node(name);
    if (node) {
      const { limited, leftOut } = withinHostLimit(node);
      return saying(cloud.nodeFacts(owner, limited), leftOut);
    }
    return stores.Node.get("", name) ? "as before" : { facts: [] };
  },
};
