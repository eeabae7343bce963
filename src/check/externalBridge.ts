// Checks whether Weft may use br-ex and the node's Open vSwitch, or whether they have somebody else's ports,
// controller, cluster or OVN.

import { chassisMarkKey, onNode } from "../model/names.ts";
import { portsAmong, uplinkKey } from "../node/host/uplink.ts";
import { type Finding, fine } from "./finding.ts";
import type { NodeFacts, Switch } from "./nodeFacts.ts";
import type { NodeIntent } from "./nodeIntent.ts";

const name = onNode.externalBridge;

export function externalBridgeFindings({ openVSwitch }: NodeFacts, intent: NodeIntent): readonly Finding[] {
  if ("away" in openVSwitch) return [];
  const { bridge, externalIds } = openVSwitch;
  const chassis = foreignChassis(externalIds, intent);
  if (!bridge) {
    return [
      ...chassis,
      {
        severity: "warning",
        what: `there is no bridge ${name} yet`,
        where: "ovs-vsctl show",
        why: "it holds the node's uplink and addresses; the agent waits for it",
        mend: "weft node uplink --dry-run",
      },
    ];
  }
  return [
    ...chassis,
    ...(bridge.hasController
      ? [
          {
            severity: "refusal" as const,
            what: `${name} has an OpenFlow controller`,
            where: `ovs-vsctl get-controller ${name}`,
            why: "another program controls this bridge, and Weft's flows would be removed or mixed with its own",
            mend: `if it is a leftover: ovs-vsctl del-controller ${name}; otherwise use another node`,
          },
        ]
      : []),
    ...uplinkFindings(bridge),
  ];
}

function uplinkFindings({ ports, chosen }: NonNullable<Switch["bridge"]>): readonly Finding[] {
  try {
    const { uplink } = portsAmong(ports, chosen);
    return [fine(`the uplink is ${uplink.name}`, name)];
  } catch (error) {
    const others = ports.map((port) => port.name).filter((port) => port !== name);
    return [
      {
        severity: "refusal",
        what:
          others.length > 1
            ? `${name} has several ports that could lead to the network`
            : `${name} has no uplink`,
        where: others.length > 0 ? `${name}: ${others.join(", ")}` : name,
        why: error instanceof Error ? error.message : String(error),
        mend:
          others.length > 1
            ? `ovs-vsctl br-set-external-id ${name} ${uplinkKey} PORT`
            : "weft node uplink --dry-run",
      },
    ];
  }
}

/** An ovn-controller follows one southbound database, and a chassis is one cluster's. */
function foreignChassis(
  ids: ReadonlyMap<string, string>,
  { mode, cluster, southbound }: NodeIntent,
): readonly Finding[] {
  const remote = ids.get("ovn-remote");
  if (mode === "underlay" || remote === undefined) return [];
  const marks = (ids.get("ovn-cms-options") ?? "")
    .split(",")
    .filter((option) => option.startsWith(chassisMarkKey));
  const other = marks.map((mark) => mark.slice(chassisMarkKey.length)).find((id) => id !== cluster);
  const where = "ovs-vsctl get Open_vSwitch . external_ids";
  if (other !== undefined) {
    return [
      {
        severity: "refusal",
        what: `this node belongs to the cluster ${other}`,
        where: `${where} (ovn-cms-options)`,
        why: "one ovn-controller serves one cluster",
        mend: `if ${other} no longer has this node: weft node cleanup --cluster ${other} --dry-run`,
      },
    ];
  }
  const isOurs = marks.length > 0 || remote === southbound;
  if (isOurs) return [fine(`ovn-controller follows ${remote}`, where)];
  return [
    {
      severity: "refusal",
      what: `ovn-controller follows ${remote}, which is not this cluster's southbound database`,
      where: `${where} (ovn-remote)`,
      why: "this machine is a chassis of another OVN, a hypervisor perhaps; Weft would take it away from there",
      mend: "use another node, or underlay mode in that OVN's virtual machines; if it is a leftover: ovs-vsctl remove Open_vSwitch . external_ids ovn-remote",
    },
  ];
}
