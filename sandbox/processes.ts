// The processes of Kubernetes and of Weft. The API server, its controllers, the DNS and Weft's controller run on the
// first node, as on a cluster with one control-plane node. Each node has a runner in place of a kubelet, and Weft's
// agent.

import { join } from "node:path";
import { addressAt, formatIp, parseCidr } from "../src/model/ip.ts";
import { controlPlaneLabel } from "../src/model/names.ts";
import { type Host, type NodeHost, plainAddress } from "./host.ts";
import { isOwn, type Layout } from "./layout.ts";
import type { PlannedProcess } from "./plannedProcess.ts";

/** For benchmarks of networks (RFC 2544), and for documentation: pods are known there by their own addresses. */
const directCidrs = ["198.18.0.0/24", "2001:db8:18::/48"];
/** What Services of a sandbox may have as external IPs: ranges for documentation (RFC 5737, RFC 3849). */
const externalIps = ["203.0.113.0/24", "2001:db8:203::/48"];

type Flags = Readonly<Record<string, string | readonly string[]>>;

const root = join(import.meta.dirname, "..");
/** What `make cni` builds. */
export const cniPlugin = join(root, "build/weft-cni");

const apiPort = 6443;
/** The port of the echo servers on hosts that are not nodes. */
export const echoPort = 8080;
const kubernetes = "Kubernetes: API, controllers, DNS, a runner on each node";
/** The number of kube-dns's address within a Service network. The API server assigns it. */
const dnsPlace = 10n;
const network = "Weft: controller, an agent on each node, all ready to serve pods";

export function kubernetesProcesses(layout: Layout): readonly PlannedProcess[] {
  const [first] = layout.nodeHosts;
  if (!first) return [];
  return [
    {
      name: "api",
      stage: kubernetes,
      on: first,
      after: [`${first.name}-vswitchd`],
      run: script("sandbox/api/main.ts", apiFlags(layout, first)),
      ready: [layout.apiSocket, layout.kubeconfig, ...layout.nodeHosts.map((node) => node.kubeconfig)],
    },
    {
      name: "relay",
      stage: kubernetes,
      after: ["api"],
      run: [...script("sandbox/relay.ts", {}), String(layout.apiPort), layout.apiSocket],
      ready: [layout.apiPort],
    },
    {
      name: "controllers",
      stage: kubernetes,
      on: first,
      after: ["api"],
      run: script("sandbox/controllers/main.ts", { kubeconfig: first.kubeconfig }),
    },
    {
      name: "dns",
      stage: kubernetes,
      on: first,
      after: ["api"],
      run: script("sandbox/dns/main.ts", {
        kubeconfig: first.kubeconfig,
        address: first.addresses.map(plainAddress),
      }),
    },
    ...layout.nodeHosts.map(
      (node): PlannedProcess => ({
        name: `${node.name}-runner`,
        stage: kubernetes,
        on: node,
        after: ["api"],
        run: script("sandbox/runner/main.ts", {
          node: node.name,
          "node-ip": node.addresses.map(plainAddress).join(),
          ...(node === layout.nodeHosts[0] && { "node-label": controlPlaneLabel }),
          kubeconfig: node.kubeconfig,
          state: node.directory,
          "cni-conf-dir": node.cniConfigurations,
          "cni-bin-dir": node.cniPrograms,
          "cluster-dns": layout.serviceCidrs.flatMap((cidr) => serviceAddress(cidr, dnsPlace)).join(),
          "netns-prefix": `${node.netns}-`,
          socket: node.kubeletSocket,
        }),
        ready: [node.kubeletSocket],
      }),
    ),
  ];
}

/** Where the pods of this sandbox are known by their own addresses. */
export const directCidrsOf = ({ families, tenant }: Layout): readonly string[] =>
  tenant ? [] : directCidrs.filter((cidr) => families.includes(cidr.includes(":") ? 6 : 4));

export function weftProcesses(layout: Layout): readonly PlannedProcess[] {
  const [first] = layout.nodeHosts;
  if (!first) return [];
  const { central, tenant } = layout;
  const shared = {
    ...(tenant && { cluster: layout.name, mode: layout.mode }),
    addresses: layout.addresses,
    "cluster-cidr": layout.clusterCidrs.join(),
    "service-cidr": layout.serviceCidrs.join(),
    ...(!tenant && { "direct-cidr": directCidrsOf(layout).join() }),
  };
  return [
    {
      name: "controller",
      stage: network,
      on: first,
      after: ["api", ...(isOwn(layout, central) ? ["central-nb", "central-sb"] : [])],
      run: weft("controller", {
        kubeconfig: first.kubeconfig,
        northbound: `unix:${central.northboundSocket}`,
        southbound: `unix:${central.southboundSocket}`,
        ...(tenant && { "cloud-router": tenant.router }),
        "external-ips": externalIps.join(),
        ...shared,
      }),
    },
    ...layout.nodeHosts.map(
      (node): PlannedProcess => ({
        name: `${node.name}-agent`,
        stage: network,
        on: node,
        after: ["api", `${node.name}-vswitchd`],
        run: weft("agent", {
          node: node.name,
          kubeconfig: node.kubeconfig,
          vswitch: `unix:${node.ovsSocket}`,
          "ovs-rundir": node.ovs,
          // A virtual machine knows nothing of the OVN that networks it.
          ...(!tenant && {
            ...{ southbound: central.southbound, "ovn-rundir": node.ovn, gateway: layout.gateway },
          }),
          "cni-socket": node.cniSocket,
          "cni-conf-dir": node.cniConfigurations,
          "cni-bin-dir": node.cniPrograms,
          "cni-plugin": cniPlugin,
          // A few nodes may say more often that they live.
          heartbeat: "3",
          ...shared,
        }),
        ready: [node.cniSocket, node.cniConfiguration],
      }),
    ),
  ];
}

/**
 * The echo server on a host that is not a node. In its answers the host takes the pod's place, and the sandbox the
 * node's.
 */
export const echoProcess = (host: Host, sandbox: string, stage: string): PlannedProcess => ({
  name: `${host.name}-echo`,
  stage,
  on: host,
  run: [
    ...["env", `ECHO_POD=${host.name}`, `ECHO_NODE=${sandbox}`, `ECHO_PORTS=${echoPort}`],
    ...["perl", join(root, "sandbox/echo/echo.pl")],
  ],
});

function apiFlags(layout: Layout, node: NodeHost): Flags {
  const addresses = node.addresses.map(plainAddress);
  const [address = ""] = addresses;
  const server = `https://${address.includes(":") ? `[${address}]` : address}:${apiPort}`;
  return {
    "state-dir": join(layout.state, "api"),
    host: layout.families.includes(6) ? "::" : "0.0.0.0",
    port: String(apiPort),
    socket: layout.apiSocket,
    "kubelet-socket": join(layout.state, "{node}", "kubelet.sock"),
    name: [
      "127.0.0.1",
      ...addresses,
      ...layout.serviceCidrs.flatMap((cidr) => serviceAddress(cidr, 1n)),
      ...serviceNames,
    ],
    "service-cidr": layout.serviceCidrs,
    endpoint: addresses,
    "dns-endpoint": addresses,
    definition: [
      "clusternetworkpolicies",
      "floatingaddresses",
      "ipaddresspools",
      "learnednames",
      "securityprofiles",
    ].map((plural) => join(root, `deploy/helm/weft/crds/${plural}.yaml`)),
    kubeconfig: [
      `${layout.kubeconfig}=https://127.0.0.1:${layout.apiPort}`,
      ...layout.nodeHosts.map(({ kubeconfig }) => `${kubeconfig}=${server}`),
    ],
  };
}

/** The names by which pods call the API server's Service, and its address. */
const serviceNames = ["", ".default", ".default.svc", ".default.svc.cluster.local"].map(
  (domain) => `kubernetes${domain}`,
);

function serviceAddress(network: string, place: bigint): string[] {
  const cidr = parseCidr(network);
  return cidr ? [formatIp(addressAt(cidr, place))] : [];
}

const script = (path: string, flags: Flags): readonly string[] => [
  process.execPath,
  join(root, path),
  ...wordsOf(flags),
];

/** The command line of `weft COMMAND`. */
export const weft = (command: string, flags: Flags): readonly string[] => [
  join(root, "bin/weft"),
  command,
  ...wordsOf(flags),
];

/** A flag with several values is repeated. */
const wordsOf = (flags: Flags): readonly string[] =>
  Object.entries(flags).flatMap(([flag, value]) => [value].flat().flatMap((each) => [`--${flag}`, each]));
