// The settings of an agent. The defaults suit a real host; the sandbox overrides them all.

import type { Registry } from "prom-client";
import type { Log, LogLevels } from "../kube/clock.ts";
import type { Cidr } from "../model/ip.ts";

/** OVN runs on the node itself. */
export interface OverlayMode {
  readonly mode: "overlay";
  /** The southbound database: `tcp:172.30.0.2:6642`. */
  readonly ovnRemote: string;
  /** Where tunnels end; by default the node's first address on the external bridge. */
  readonly encapIp?: string | undefined;
  /** How pods reach the outside: through a gateway router that shares the node's address, or through the host's own routing. */
  readonly gateway: "shared" | "local";
}

/** The node is a virtual machine, and OVN runs on its hypervisor. */
export interface UnderlayMode {
  readonly mode: "underlay";
}

export interface AgentOptions {
  readonly nodeName: string;
  readonly clusterId: string;
  /** Path of a kubeconfig; without one, the pod's service account is used. */
  readonly kubeconfig?: string | undefined;
  readonly network: OverlayMode | UnderlayMode;
  /** Where pods' addresses come from: chosen by the controller for each pod, or from the node's pool of ready ports. */
  readonly addresses: "assigned" | "pooled";
  /** How long a pool address rests after its pod has gone. */
  readonly restMs: number;
  readonly clusterCidrs: readonly Cidr[];
  readonly serviceCidrs: readonly Cidr[];
  readonly joinCidrs: readonly Cidr[];
  /** Outside of the cluster, where pods are known by their own addresses. */
  readonly directCidrs: readonly Cidr[];
  /** The node's Open vSwitch database: `unix:/var/run/openvswitch/db.sock`. */
  readonly ovsDb: string;
  /** Where vswitchd has its pidfile and sockets. */
  readonly ovsRunDirectory: string;
  /** Where ovn-controller has its pidfile and sockets. */
  readonly ovnRunDirectory: string;
  readonly cniSocket: string;
  readonly cniConfDirectory: string;
  readonly cniBinDirectory: string;
  /** The executable to install into `cniBinDirectory`. */
  readonly cniPlugin: string;
  /** `host:port` for /livez, /readyz and /metrics. */
  readonly healthAddress: string;
  /** The namespace of the Lease by which this agent says that it lives, and how often it does. */
  readonly leaseNamespace: string;
  readonly heartbeatMs: number;
  /** How long an ADD may wait for address and flows; less than the executable's own 110 s. */
  readonly cniLimitMs: number;
  readonly registry: Registry;
  /** Changes what `log` contains while the agent runs. */
  readonly logLevels?: LogLevels | undefined;
  readonly log: Log;
}

export const agentDefaults = {
  clusterId: "weft",
  ovsDb: "unix:/var/run/openvswitch/db.sock",
  ovsRunDirectory: "/var/run/openvswitch",
  ovnRunDirectory: "/var/run/ovn",
  cniSocket: "/run/weft/cni.sock",
  cniConfDirectory: "/etc/cni/net.d",
  cniBinDirectory: "/opt/cni/bin",
  healthAddress: "127.0.0.1:9410",
  cniLimitMs: 100_000,
  restMs: 30_000,
  heartbeatMs: 20_000,
} as const;
