// Finds what stands in Weft's way on a node, from its facts. Pure; one function for each thing that is checked.

import { onNode } from "../model/names.ts";
import { configurationFile } from "../node/host/install.ts";
import { datapathFindings, mtuFindings, versionFindings } from "./datapath.ts";
import { externalBridgeFindings } from "./externalBridge.ts";
import { type Finding, fine } from "./finding.ts";
import type { NodeFacts } from "./nodeFacts.ts";
import type { NodeIntent } from "./nodeIntent.ts";
import { kubeProxy, otherPlugins, tracesOf } from "./others.ts";
import { overlapFindings } from "./overlaps.ts";

export const nodeFindings = (facts: NodeFacts, intent: NodeIntent): readonly Finding[] => [
  ...versionFindings(facts, intent),
  ...datapathFindings(facts, intent),
  ...externalBridgeFindings(facts, intent),
  ...mtuFindings(facts, intent),
  ...portFindings(facts, intent),
  ...overlapFindings(facts, intent),
  ...cniFindings(facts, intent),
  ...traceFindings(facts),
  ...filterFindings(facts, intent),
];

/** UDP of Geneve (RFC 8926), and OVN's own for its databases (ovn-architecture(7)). */
const genevePort = 6081;
const databasePorts: ReadonlyMap<number, string> = new Map([
  [6641, "the northbound database"],
  [6642, "the southbound database"],
]);

function portFindings({ listeners }: NodeFacts, { mode, central }: NodeIntent): readonly Finding[] {
  const taken = listeners.filter(
    ({ protocol, port, program }) =>
      program !== undefined &&
      ((mode === "overlay" && protocol === "udp" && port === genevePort && program !== "ovs-vswitchd") ||
        (central && protocol === "tcp" && databasePorts.has(port) && program !== "ovsdb-server")),
  );
  if (taken.length === 0) {
    const looked = [
      ...(mode === "overlay" ? ["UDP 6081"] : []),
      ...(central ? ["TCP 6641", "TCP 6642"] : []),
    ];
    return looked.length === 0 ? [] : [fine(`nobody else listens on ${looked.join(", ")}`, "ss -lntup")];
  }
  return taken.map(({ protocol, port, program }) => ({
    severity: "refusal",
    what: `${program} listens on ${protocol.toUpperCase()} port ${port}`,
    where: `ss -lnp sport = ${port}`,
    why: `that port is for ${databasePorts.get(port) ?? "the tunnels between the nodes (Geneve)"}`,
    mend: `stop ${program}, or give it another port`,
  }));
}

function cniFindings({ cniFiles }: NodeFacts, { cniConfDirectory }: NodeIntent): readonly Finding[] {
  const others = cniFiles.filter(({ name }) => name !== configurationFile);
  if (others.length === 0) return [fine("no other plugin's network configuration", cniConfDirectory)];
  return others.map(({ name, types }) => {
    const first = name < configurationFile;
    const plugins = types.length > 0 ? ` (${types.join(", ")})` : "";
    return {
      severity: first ? "refusal" : "warning",
      what: `another network configuration${plugins} ${first ? "comes before" : "is beside"} Weft's`,
      where: `${cniConfDirectory}/${name}`,
      why: first
        ? `the runtime takes the first file by name, so pods would not get Weft's network from ${configurationFile}`
        : `without ${configurationFile} the runtime would take it, and pods that it has attached stay on its network`,
      mend: `remove its plugin from the cluster, drain the node, then: rm ${cniConfDirectory}/${name}`,
    };
  });
}

function traceFindings({ traces }: NodeFacts): readonly Finding[] {
  const proxy = tracesOf(kubeProxy, traces);
  const left = otherPlugins.map((other) => ({ other, found: tracesOf(other, traces) }));
  return [
    ...(proxy.length === 0
      ? [fine("no rules of kube-proxy", "nftables, iptables")]
      : [
          {
            severity: "warning" as const,
            what: "kube-proxy's rules are on this node",
            where: some(proxy),
            why: "the node's processes reach Services by them instead of OVN; once kube-proxy is gone, they are no longer updated and lead to addresses that do not exist",
            mend: "kubectl -n kube-system delete daemonset kube-proxy; then on the node: kube-proxy --cleanup, or reboot",
          },
        ]),
    ...left
      .filter(({ found }) => found.length > 0)
      .map(({ other, found }) => ({
        severity: "warning" as const,
        what: `${other.name} is or was on this node`,
        where: some(found),
        why: "its interfaces and rules still handle packets, including those for Weft's pods",
        mend: `remove ${other.name} as its documentation says, or reboot the drained node once it is gone from the cluster`,
      })),
  ];
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

function filterFindings({ traces, bridgeFilter }: NodeFacts, { mode }: NodeIntent): readonly Finding[] {
  const firewalls = [
    { name: "firewalld", found: traces.tables.includes("firewalld") },
    { name: "ufw", found: traces.chains.includes("ufw-before-input") },
  ].filter(({ found }) => found);
  const opened: Readonly<Record<string, string>> = {
    firewalld: `firewall-cmd --permanent --add-port=6081/udp; firewall-cmd --permanent --zone=trusted --add-interface=${onNode.managementInterface}; firewall-cmd --reload`,
    ufw: `ufw allow 6081/udp; ufw allow in on ${onNode.managementInterface}`,
  };
  return [
    ...firewalls.map(({ name }) => ({
      severity: "warning" as const,
      what: `${name} filters packets on this node`,
      where: "nft list ruleset",
      why:
        mode === "overlay"
          ? `it must let in Geneve (UDP 6081) from the other nodes, and what pods send to this node on ${onNode.managementInterface}`
          : "it must let in what pods send to this node",
      mend: opened[name] ?? "",
    })),
    ...(bridgeFilter === "1"
      ? [
          fine(
            "br_netfilter is on; it does nothing to Weft's packets unless the uplink leads through a Linux bridge",
            "net.bridge.bridge-nf-call-iptables = 1",
          ),
        ]
      : []),
  ];
}
