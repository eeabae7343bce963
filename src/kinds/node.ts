// A node: its switch and, in overlay mode, its gateway router.

import { ownerOf } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { nodeMembershipFacts } from "../plan/groups.ts";
import { withinHostLimit } from "../plan/hostLimit.ts";
import type { OwnerKind } from "./kind.ts";

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
  plan(owner, { name }, { scope, cloud, groups, places, stores }) {
    const node = places.node(name);
    if (node) {
      const { limited, leftOut } = withinHostLimit(node);
      const said = cloud.nodeFacts(owner, limited);
      if ("notNow" in said) return said;
      const memberships = groups.nodeMemberships({
        labels: stores.Node.get("", name)?.labels ?? {},
        hostAddresses: limited.hostAddresses,
        standIns: cloud.standIns(limited),
      });
      const facts = [...said, ...nodeMembershipFacts(scope, owner, memberships)];
      return { facts, leftOut, ...(!groups.unconfirmed.isEmpty && { doubt: "untrusted" }) };
    }
    return stores.Node.get("", name) ? "as before" : { facts: [] };
  },
};
