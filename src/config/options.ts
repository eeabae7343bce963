// Options that several commands share, and the environment variables that can replace them (deployments set those).
// Lists are comma-separated. A malformed value is refused here, with the option's name, before anything starts.

import { InvalidArgumentError, Option } from "commander";
import { logLevels } from "../kube/clock.ts";
import { clusterIdPattern } from "../model/names.ts";
import { ConfigError } from "./error.ts";
import { defaultJoin } from "./ranges.ts";

const defaultRemotes = {
  northbound: "unix:/var/run/ovn/ovnnb_db.sock",
  southbound: "unix:/var/run/ovn/ovnsb_db.sock",
} as const;

export const clusterOption = (): Option =>
  new Option("--cluster <id>", "id of this cluster in OVN; never change it while rows exist")
    .env("WEFT_CLUSTER")
    .default("weft")
    .argParser(clusterId);

export const kubeconfigOption = (): Option =>
  new Option("--kubeconfig <file>", "kubeconfig; by default $KUBECONFIG, then the pod's service account").env(
    "KUBECONFIG",
  );

export const northboundOption = (): Option =>
  new Option("--northbound <remotes>", "northbound database")
    .env("OVN_NB_DB")
    .default([defaultRemotes.northbound], defaultRemotes.northbound)
    .argParser(list);

export const southboundOption = (): Option =>
  new Option("--southbound <remotes>", "southbound database")
    .env("OVN_SB_DB")
    .default([defaultRemotes.southbound], defaultRemotes.southbound)
    .argParser(list);

export const podCidrOption = (): Option =>
  new Option(
    "--cluster-cidr <list>",
    "ranges that node subnets are cut from; a third number is a node's prefix length",
  )
    .default(["10.244.0.0/16/24", "fd00:10:244::/48/64"], "10.244.0.0/16/24,fd00:10:244::/48/64")
    .argParser(list);

export const serviceCidrOption = (): Option =>
  new Option("--service-cidr <list>", "ranges of ClusterIPs, the same as the API server's")
    .default(["10.96.0.0/16", "fd00:10:96::/112"], "10.96.0.0/16,fd00:10:96::/112")
    .argParser(list);

export const joinCidrOption = (): Option =>
  new Option(
    "--join-cidr <list>",
    "ranges inside OVN that join the routers, the same for controller and agents",
  )
    .default(defaultJoin, defaultJoin.join())
    .argParser(list);

export const directCidrOption = (): Option =>
  new Option(
    "--direct-cidr <list>",
    "overlay mode: ranges outside of the cluster, with routes back to the nodes, where pods are known by their own addresses instead of their node's; the same for controller and agents, and none by default",
  )
    .default([])
    .argParser(list);

/** Throws a `ConfigError` where nothing is translated anyway. */
export function directCidrsIn({
  mode,
  directCidr,
}: {
  readonly mode: Mode;
  readonly directCidr: readonly string[];
}): readonly string[] {
  if (mode === "underlay" && directCidr.length > 0)
    throw new ConfigError(
      "--direct-cidr is for --mode overlay only; in underlay mode pods have their own addresses everywhere",
    );
  return directCidr;
}

export type Gateway = "shared" | "local";

export const gatewayOption = (): Option =>
  new Option(
    "--gateway <how>",
    "overlay mode: how pods of this node reach the outside. shared: past the host, with its address; local: through the host's routing, rules and other interfaces",
  )
    .choices(["shared", "local"])
    .env("WEFT_GATEWAY")
    .default("shared");

/** Throws a `ConfigError` where the cloud's router is the gateway. */
export function gatewayIn({ mode, gateway }: { readonly mode: Mode; readonly gateway: Gateway }): Gateway {
  if (mode === "underlay" && gateway === "local")
    throw new ConfigError(
      "--gateway local is for --mode overlay only; in underlay mode the tenant's router is the pods' gateway",
    );
  return gateway;
}

export const leaseNamespaceOption = (): Option =>
  new Option(
    "--lease-namespace <namespace>",
    "namespace of the Leases with which controllers elect a leader and agents show that they run",
  )
    .env("WEFT_LEASE_NAMESPACE")
    .default("kube-system");

export const logLevelOption = (): Option =>
  new Option("--log-level <level>", "what is logged; PUT /loglevel changes it while the process runs")
    .choices(logLevels)
    .env("WEFT_LOG_LEVEL")
    .default("info");

export const metricsOption = (address: string): Option =>
  new Option("--metrics-address <host:port>", "where /livez, /readyz, /metrics and /loglevel are served")
    .env("WEFT_METRICS_ADDRESS")
    .default(address);

export function list(text: string): readonly string[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.includes(""))
    throw new InvalidArgumentError("expected a comma-separated list without empty parts");
  return parts;
}

/** A whole number from `least` to `most`. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };

export function clusterId(text: string): string {
  if (clusterIdPattern.test(text)) return text;
  throw new InvalidArgumentError(
    "expected a DNS label of at most 20 characters: lower-case letters, digits and hyphens",
  );
}

export type Mode = "overlay" | "underlay";
export type Addresses = "assigned" | "pooled";

export const modeOption = (): Option =>
  new Option(
    "--mode <mode>",
    "overlay: OVN runs on the nodes; underlay: the nodes are virtual machines of an OVN cloud",
  )
    .choices(["overlay", "underlay"])
    .default("overlay");

export const addressesOption = (): Option =>
  new Option(
    "--addresses <how>",
    "assigned: the controller gives each pod an address when it is scheduled; pooled: nodes keep ready ports and give them out themselves; default assigned in overlay mode, pooled in underlay mode",
  ).choices(["assigned", "pooled"]);

/** How pods get their addresses. Throws a `ConfigError` in underlay mode for anything but pools. */
export function addressesIn(flags: { readonly mode: Mode; readonly addresses?: Addresses }): Addresses {
  if (flags.mode === "overlay") return flags.addresses ?? "assigned";
  if (flags.addresses !== "assigned") return "pooled";
  throw new ConfigError("in --mode underlay addresses come from pools: leave --addresses out");
}
