// What can be seen of a network plugin on a node: links, addresses, routes, rules, Open vSwitch, files.

import { run } from "../../../sandbox/process/run.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { NodePlaces } from "../cluster/places.ts";
import { inNode } from "../node/namespace.ts";

const commands: Readonly<Record<string, readonly string[]>> = {
  links: ["sh", "-c", "ls /sys/class/net"],
  addresses: ["ip", "-br", "address", "show", "scope", "global"],
  "IPv4 routes": ["ip", "-4", "route", "show", "table", "all", "type", "unicast"],
  "IPv6 routes": ["sh", "-c", "ip -6 route show table all type unicast | grep -v fe80"],
  // The kubelet makes iptables' own tables some seconds after its start.
  rules: ["sh", "-c", "nft list tables | grep -Ev '^table ip6? (filter|mangle|nat)$'"],
  bridges: ["ovs-vsctl", "list-br"],
  "ports of br-ex": ["ovs-vsctl", "list-ports", "br-ex"],
  "Open vSwitch's identifiers": ["ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids"],
  "flows of br-ex": ["ovs-ofctl", "--no-stats", "--no-names", "dump-flows", "br-ex"],
  files: ["sh", "-c", "ls /etc/cni/net.d /opt/cni/bin"],
};

/** By what it is about, one line for each thing. */
export type NodeState = Readonly<Record<string, readonly string[]>>;

export async function nodeState({ sandbox }: Cluster, node: NodePlaces): Promise<NodeState> {
  const { env } = sandbox.host(node.host.name);
  const ask = async (argv: readonly string[]): Promise<readonly string[]> =>
    (await run(inNode(node, argv), { env }))
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean)
      .toSorted();
  const answers = Object.entries(commands).map(async ([what, argv]) => [what, await ask(argv)] as const);
  return Object.fromEntries(await Promise.all(answers));
}

/** The state of every node, by its name. */
export const nodeStates = async (cluster: Cluster): Promise<Readonly<Record<string, NodeState>>> =>
  Object.fromEntries(
    await Promise.all(
      cluster.places.nodes.map(async (node) => [node.host.name, await nodeState(cluster, node)] as const),
    ),
  );
