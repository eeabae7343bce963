// What is known of each node, and what is wrong with it.

import { chassisIdOf, gatewayConfigOf } from "../../kube/annotations.ts";
import type { Node } from "../../kube/objects.ts";
import { formatIp } from "../../model/ip.ts";
import { annotations, placeOfPort } from "../../model/names.ts";
import { hasNestedPorts, type PoolReport, poolReport } from "./pool.ts";
import type { NorthboundView, Snapshot, SouthboundView } from "./snapshot.ts";
import { toldOf } from "./told.ts";
import { isDue } from "./waiting.ts";

export interface NodeReport {
  readonly name: string;
  readonly subnets: readonly string[];
  readonly pods: number;
  readonly chassis: string;
  /** How many ready ports the node has for pods, and how many of them are in use; undefined where there is no pool. */
  readonly pool: PoolReport | undefined;
  readonly problem: string | undefined;
  /** Smaller is worse; undefined without a problem. */
  readonly rank: number | undefined;
  /** What helps. */
  readonly next: string | undefined;
}

interface Fault {
  readonly problem: string;
  readonly rank: number;
  readonly next: string;
}

export function nodeReports(snapshot: Snapshot): NodeReport[] {
  const { cluster, kubernetes, northbound, southbound } = snapshot;
  if ("unreachable" in kubernetes) return [];
  const due = Map.groupBy(kubernetes.pods.filter(isDue), (pod) => pod.nodeName);
  const view = "unreachable" in southbound ? undefined : southbound;
  const hosts = view ? hypervisorsOf(cluster, view) : new Map<string, ReadonlySet<string>>();
  const cut = "unreachable" in northbound ? new Map<string, string>() : missingCards(cluster, northbound);
  const sharing = Map.groupBy(kubernetes.nodes, chassisIdOf);
  return kubernetes.nodes.map((node) => {
    const pods = due.get(node.name) ?? [];
    const fault =
      twinFault(node, sharing) ??
      faultOf(node, view, hosts.get(node.name) ?? new Set(), {
        missing: cut.get(node.name),
        told: toldOf(node, kubernetes.told),
      });
    return {
      name: node.name,
      subnets: subnetsOf(node),
      pods: pods.length,
      chassis: node.annotations[annotations.nodeChassisId] ?? "",
      pool: poolReport(node, pods),
      problem: fault?.problem,
      rank: fault?.rank,
      next: fault?.next,
    };
  });
}

/** node ▶ the chassis that have bound ports of its pool */
function hypervisorsOf(cluster: string, { bindings }: SouthboundView): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [port, { chassis }] of bindings) {
    const place = chassis === undefined ? undefined : placeOfPort(cluster, port);
    if (!place || chassis === undefined) continue;
    const of = found.get(place.node) ?? new Set();
    found.set(place.node, of.add(chassis));
  }
  return found;
}

/** node ▶ the port of its network card, in which its pods' ports are nested, where that is not in the database */
function missingCards(cluster: string, { nestedIn, ports }: NorthboundView): Map<string, string> {
  const found = new Map<string, string>();
  for (const [port, parent] of nestedIn ?? []) {
    const place = ports.has(parent) ? undefined : placeOfPort(cluster, port);
    if (place) found.set(place.node, parent);
  }
  return found;
}

const commands = {
  vswitchd: "ovs-appctl -t ovs-vswitchd version; start Open vSwitch if that fails",
  controller: "ovn-appctl -t ovn-controller connection-status; start ovn-controller if that fails",
  flows:
    "restart ovn-controller (systemctl restart ovn-controller, or delete its pod), which writes its flows anew",
  contested:
    "find what sets it (another network plugin or network manager, a second agent) and stop that; the agent's log says what was changed",
  lost: "ip address show dev br-ex; ip -4 route; ip -6 route; put back what is missing",
  ports: "nft list ruleset; ovs-ofctl dump-flows br-ex; remove what the message names as the obstacle",
  agent: "curl http://127.0.0.1:9410/readyz; start the Weft agent if that fails, and read its log",
} as const;

/** The reasons of the condition NetworkUnavailable, the worst first, each with what to do on the node. */
const reasons: ReadonlyMap<string, keyof typeof commands> = new Map([
  ["VswitchdDown", "vswitchd"],
  ["OvsdbDown", "vswitchd"],
  ["AgentSilent", "agent"],
  ["OvnControllerDown", "controller"],
  ["SouthboundUnreachable", "controller"],
  ["FlowsMissing", "flows"],
  ["HostNetworkContested", "contested"],
  ["WeftNotReady", "agent"],
  ["ApiUnreachable", "agent"],
]);

function faultOf(
  node: Node,
  southbound: SouthboundView | undefined,
  hypervisors: ReadonlySet<string>,
  card: Card,
): Fault | undefined {
  const { name, networkUnavailable, networkCondition } = node;
  const chassis = node.annotations[annotations.nodeChassisId];
  const describe = `kubectl describe node ${name}`;
  const reason = networkCondition?.reason ?? "";
  const command = reasons.get(reason);
  if (networkUnavailable && networkCondition && command)
    return {
      problem: networkCondition.message,
      rank: [...reasons.keys()].indexOf(reason),
      next: `on ${name}: ${commands[command]}`,
    };
  if (node.annotations[annotations.nodeSubnets] === undefined)
    return { problem: "has no subnet: see the controller's log", rank: 20, next: describe };
  const withoutCard = cardFault(node, card);
  if (withoutCard) return withoutCard;
  if (hasNoPorts(node))
    return { problem: "its agent has not announced itself: see the agent's log", rank: 21, next: describe };
  const behind = southbound && behindOf(name, chassis, southbound, hypervisors);
  if (behind) return behind;
  if (!networkUnavailable)
    return (
      node.networkDegraded && {
        problem: node.networkDegraded.message,
        rank: 23,
        next: `on ${name}: ${commands[node.networkDegraded.reason === "PortsNotWritten" ? "ports" : "lost"]}`,
      }
    );
  return { problem: "its agent is not ready: see the agent's log", rank: 22, next: describe };
}

/** What is known of the port of a virtual machine's network card. */
interface Card {
  /** The name of the card's port if it is gone although ports are nested in it. */
  readonly missing: string | undefined;
  /** Why the controller finds no such port. */
  readonly told: string | undefined;
}

/** Neither a chassis nor, as virtual machines of a cloud, ports that carry tags. */
export const hasNoPorts = (node: Node): boolean =>
  node.annotations[annotations.nodeChassisId] === undefined && !hasNestedPorts(node);

function cardFault(node: Node, { missing, told }: Card): Fault | undefined {
  const { mac, addresses } = gatewayConfigOf(node) ?? { mac: "its MAC", addresses: [] };
  const identity = [mac, ...addresses.map(({ ip }) => formatIp(ip))].join(" ");
  if (missing !== undefined)
    return {
      problem: `the port ${missing} of its network card is missing in the cloud, so its pods are cut off`,
      rank: 9,
      next: `in the cloud: ovn-nbctl lsp-add SWITCH ${missing} -- lsp-set-addresses ${missing} '${identity}'`,
    };
  if (told === undefined || !hasNoPorts(node)) return undefined;
  return { problem: told, rank: 9, next: `in the cloud: ovn-nbctl show | grep -B1 -i '${mac}'` };
}

/** The node's own chassis or, of a virtual machine, a hypervisor that does not follow the database. */
function behindOf(
  node: string,
  chassis: string | undefined,
  { chassis: reached, expected }: SouthboundView,
  hypervisors: ReadonlySet<string>,
): Fault | undefined {
  for (const each of chassis === undefined ? hypervisors : [chassis]) {
    const at = reached.get(each);
    const on = chassis === undefined ? `hypervisor ${each}` : node;
    const next = `on ${on}: ${commands.controller}`;
    if (at === undefined) {
      const problem = `chassis ${each} is not in the southbound database: is ovn-controller running?`;
      return { problem, rank: 10, next };
    }
    if (at < expected) {
      const who = chassis === undefined ? `ovn-controller of its hypervisor ${each}` : "ovn-controller";
      return { problem: `${who} is behind: generation ${at} of ${expected}`, rank: 11, next };
    }
  }
  return undefined;
}

/** Nodes with one system-id are one chassis to OVN. */
function twinFault(node: Node, nodesOf: ReadonlyMap<string | undefined, readonly Node[]>): Fault | undefined {
  const id = chassisIdOf(node);
  const twins = (nodesOf.get(id) ?? []).flatMap(({ name }) => (name === node.name ? [] : name));
  if (id === undefined || twins.length === 0) return undefined;
  return {
    problem: `has the same system-id as ${twins.join(", ")}: ${id}; its Events say which to change`,
    rank: 3,
    next: `kubectl describe node ${node.name}`,
  };
}

/** The subnets in the annotation, whether people or Weft wrote it; empty when it is not readable. */
function subnetsOf(node: Node): string[] {
  const text = node.annotations[annotations.nodeSubnets] ?? "";
  return [...text.matchAll(/"([0-9a-fA-F:.]+\/\d+)"/g)].map((match) => match[1] ?? "");
}
