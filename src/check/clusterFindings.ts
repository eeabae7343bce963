// Finds what stands in Weft's way in a cluster, from its facts. Pure.

import { contains, formatCidr, parseIp } from "../model/ip.ts";
import { controlPlaneLabel } from "../model/names.ts";
import type { ClusterNetwork } from "../model/network.ts";
import { isNewer } from "../model/schemaVersion.ts";
import type { ClusterFacts } from "./clusterFacts.ts";
import { type Finding, fine } from "./finding.ts";
import { kubeProxy, otherPlugins } from "./others.ts";
import { rangesOf } from "./overlaps.ts";

export interface ClusterIntent {
  readonly network: ClusterNetwork;
  readonly cluster: string;
  readonly mode: "overlay" | "underlay";
}

export const clusterFindings = (facts: ClusterFacts, intent: ClusterIntent): readonly Finding[] => [
  ...(facts.serverVersion === "" ? [] : [fine(`Kubernetes ${facts.serverVersion}`, "API server")]),
  ...facts.rights,
  ...pluginFindings(facts),
  ...proxyFindings(facts),
  ...addressFindings(facts, intent),
  ...serviceRangeFindings(facts, intent),
  ...apiServerFindings(facts, intent),
  ...databaseFindings(facts, intent),
];

const nameIn = (daemonSet: string): string => daemonSet.split("/")[1] ?? "";

function pluginFindings({ daemonSets }: ClusterFacts): readonly Finding[] {
  const found = otherPlugins.flatMap(({ name, daemonSets: pattern }) =>
    daemonSets
      .filter((daemonSet) => pattern.test(nameIn(daemonSet)))
      .map((daemonSet) => ({ name, daemonSet })),
  );
  return found.map(({ name, daemonSet }) => ({
    severity: "refusal",
    what: `${name} runs in this cluster`,
    where: `DaemonSet ${daemonSet}`,
    why: "two network plugins write their configuration on the same nodes, and each pod gets the network of whichever comes first by file name",
    mend: `remove ${name}, or keep it off Weft's nodes with a node selector on its DaemonSet`,
  }));
}

function proxyFindings({ daemonSets }: ClusterFacts): readonly Finding[] {
  const found = daemonSets.filter((daemonSet) => kubeProxy.daemonSets.test(nameIn(daemonSet)));
  return found.map((daemonSet) => ({
    severity: "warning",
    what: "kube-proxy runs in this cluster",
    where: `DaemonSet ${daemonSet}`,
    why: "Weft balances Services in OVN; kube-proxy's rules catch what the nodes' own processes send to Services before Weft sees it",
    mend: `kubectl -n ${daemonSet.split("/")[0]} delete daemonset ${nameIn(daemonSet)}, once agents and controller have an address of the API server that is not a Service`,
  }));
}

function addressFindings({ nodes }: ClusterFacts, intent: ClusterIntent): readonly Finding[] {
  return nodes.flatMap(({ name, internalIps }) =>
    internalIps.flatMap((address) => {
      const ip = parseIp(address);
      const range = ip && rangesOf(intent).find(({ cidr }) => contains(cidr, ip));
      if (!range) return [];
      return [
        {
          severity: "refusal" as const,
          what: `the address ${address} of node ${name} is in the range ${formatCidr(range.cidr)} of ${range.what}`,
          where: `Node ${name}`,
          why: "the controller gives such a node no subnet: its packets would not leave OVN",
          mend: `choose another ${range.flag}`,
        },
      ];
    }),
  );
}

function serviceRangeFindings(
  { apiAddresses }: ClusterFacts,
  { network }: ClusterIntent,
): readonly Finding[] {
  return apiAddresses.flatMap((address) => {
    const ip = parseIp(address);
    if (!ip || network.services.some((range) => contains(range, ip))) return [];
    return [
      {
        severity: "refusal" as const,
        what: `the Service kubernetes has the address ${address}, which is in none of ${network.services.map(formatCidr).join(", ") || "no range"}`,
        where: "Service default/kubernetes",
        why: "Weft serves only Services in --service-cidr, and pods would not find the API server",
        mend: "give Weft the same --service-cidr as the API server's --service-cluster-ip-range",
      },
    ];
  });
}

function apiServerFindings(
  { nodes, apiEndpoints }: ClusterFacts,
  { mode }: ClusterIntent,
): readonly Finding[] {
  if (mode === "underlay") return [];
  return nodes.flatMap(({ name, internalIps, isControlPlane }) => {
    const address = internalIps.find((ip) => apiEndpoints.includes(ip));
    if (address === undefined || isControlPlane) return [];
    return [
      {
        severity: "warning" as const,
        what: `the Service kubernetes leads to ${address} on node ${name}, which has no label ${controlPlaneLabel}`,
        where: `Node ${name}`,
        why: "Weft trusts only nodes with this label to have the API server, so this node's own processes do not reach that Service",
        mend: `kubectl label node ${name} ${controlPlaneLabel}=`,
      },
    ];
  });
}

/** The schemas of the oldest OVN that Weft has been tried with, 23.03. */
const leastSchemas: ReadonlyMap<string, string> = new Map([
  ["OVN_Northbound", "7.0.0"],
  ["OVN_Southbound", "20.27.0"],
]);

function databaseFindings(
  { schemas, clusters }: ClusterFacts,
  { cluster, mode }: ClusterIntent,
): readonly Finding[] {
  const versions = [...schemas].map(([database, version]): Finding => {
    const least = leastSchemas.get(database) ?? "0";
    if (!isNewer(least, version)) return fine(`${database} has schema ${version}`, "its server");
    return {
      severity: "warning",
      what: `${database} has schema ${version}, older than ${least}`,
      where: "its server",
      why: "Weft has been tried with OVN 23.03 and later",
      mend: "upgrade OVN's databases and ovn-northd",
    };
  });
  const others = clusters.filter((id) => id !== cluster);
  if (mode === "underlay" || others.length === 0) return versions;
  return [
    ...versions,
    {
      severity: "warning",
      what: `the northbound database has rows of ${others.join(", ")}, and this is ${cluster}`,
      where: "OVN_Northbound",
      why: "in overlay mode each cluster has an OVN of its own; the rows may be another cluster's or what is left of an earlier one",
      mend: `if it is gone: weft teardown --cluster ${others[0]} --dry-run`,
    },
  ];
}
