// Two nodes of a sandbox with real OVN and an agent on each. In place of the controller, this gives nodes and pods
// their addresses, plans their facts and puts these into the northbound database.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import type { SandboxHost } from "../../sandbox/sandbox.ts";
import { upSandbox } from "../../sandbox/up.ts";
import {
  chassisIdOf,
  gatewayConfigOf,
  hostCidrsOf,
  nodeSubnetsAnnotation,
  podNetworkAnnotation,
} from "../../src/kube/annotations.ts";
import { type Json, record } from "../../src/kube/json.ts";
import type { Fact } from "../../src/model/fact.ts";
import { addressAt, type Cidr, parseCidr } from "../../src/model/ip.ts";
import { macOf } from "../../src/model/mac.ts";
import {
  type ClusterNetwork,
  gatewayOf,
  hostAddressesOf,
  type PodNetwork,
  type ResolvedNode,
  within,
} from "../../src/model/network.ts";
import { northboundScope } from "../../src/model/scope.ts";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { clusterFacts } from "../../src/plan/cluster.ts";
import { nodeFacts } from "../../src/plan/node.ts";
import { podFacts } from "../../src/plan/pod.ts";

const scope = northboundScope("test", "global");
const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(text);
  return parsed;
};

export const network: ClusterNetwork = {
  families: [4, 6],
  pods: [
    { cidr: cidr("10.244.0.0/16"), nodeBits: 24 },
    { cidr: cidr("fd00:10:244::/48"), nodeBits: 64 },
  ],
  services: [cidr("10.96.0.0/16"), cidr("fd00:10:96::/112")],
  join: [cidr("100.64.0.0/16"), cidr("fd98::/64")],
  direct: [],
};

const subnetsOf = (index: number): readonly Cidr[] => [
  cidr(`10.244.${index}.0/24`),
  cidr(`fd00:10:244:${index}::/64`),
];

export interface TestPod {
  readonly name: string;
  readonly uid: string;
  readonly node: number;
  readonly netns: string;
  readonly network: PodNetwork;
}

export type World = Awaited<ReturnType<typeof buildWorld>>;

/**
 * Starts everything. `plugin` is the CNI executable to install, `settings` override the agents' usual options.
 * Disposing of it removes everything.
 */
export async function buildWorld(name: string, plugin: string, settings: Json = {}) {
  const stack = new AsyncDisposableStack();
  const sandbox = stack.use(await upSandbox({ name, nodes: 2, parts: "ovn" }));
  const { layout } = sandbox;
  const children = new Set<ReturnType<typeof spawn>>();
  stack.defer(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, "exit");
    }
  });
  const start = (host: SandboxHost, script: string, args: readonly string[]) => {
    const path = new URL(script, import.meta.url).pathname;
    const [command = "", ...rest] = host.command([process.execPath, path, ...args]);
    const child = spawn(command, rest, { env: { ...host.env }, stdio: ["ignore", "pipe", "inherit"] });
    children.add(child);
    return child;
  };

  const apiSocket = join(layout.state, "fake-api.sock");
  const api = start(sandbox.outside, "./agentApi.ts", ["6443", apiSocket]);
  await once(api.stdout, "data");
  /** Until the returned function is called, the API accepts connections and answers nothing. */
  const freezeApi = (): (() => void) => {
    api.kill("SIGSTOP");
    return () => void api.kill("SIGCONT");
  };
  const kubeconfig = join(layout.state, "fake-kubeconfig");
  await writeFile(kubeconfig, kubeconfigFor("http://172.30.0.100:6443"));

  const session = stack.use(
    new Session({ remotes: [`unix:${layout.central.northboundSocket}`], database: "OVN_Northbound" }),
  );
  session.start();
  await session.connected();
  const commit = (facts: readonly Fact[]) => session.transact(transactionOf(facts));
  await commit(clusterFacts(scope, "cluster", network, [undefined]));

  const nodes = new Map<number, ResolvedNode>();
  const nodeName = (index: number): string => `n${index + 1}`;
  const optionsOf = (index: number) => {
    const host = layout.nodeHosts[index];
    if (!host) throw new RangeError(`no node ${index}`);
    return {
      nodeName: nodeName(index),
      clusterId: scope.cluster,
      kubeconfig,
      network: { mode: "overlay", ovnRemote: layout.central.southbound },
      addresses: "assigned",
      restMs: 1000,
      clusterCidrs: ["10.244.0.0/16", "fd00:10:244::/48"],
      serviceCidrs: ["10.96.0.0/16", "fd00:10:96::/112"],
      ovsDb: `unix:${host.ovsSocket}`,
      ovsRunDirectory: host.ovs,
      ovnRunDirectory: host.ovn,
      cniSocket: join(host.directory, "agent", "cni.sock"),
      cniConfDirectory: join(host.directory, "test-net.d"),
      cniBinDirectory: join(layout.state, "cni-bin"),
      cniPlugin: plugin,
      healthAddress: "127.0.0.1:9410",
      leaseNamespace: "kube-system",
      heartbeatMs: 20_000,
      cniLimitMs: 10_000,
      ...settings,
    };
  };

  return {
    sandbox,
    optionsOf,
    freezeApi,
    commit,
    /** A request to the API, over its unix socket. */
    api: (method: string, path: string, body?: Json) => call(apiSocket, method, path, body),
    resolved(index: number): ResolvedNode {
      const node = nodes.get(index);
      if (!node) throw new RangeError(`node ${index} is not admitted`);
      return node;
    },
    log: new Array<string>(),

    /** Starts an agent and collects its log lines. `more` overrides its options. */
    startAgent(index: number, more: Json = {}) {
      const host = sandbox.host(nodeName(index));
      const child = start(host, "./agentProcess.ts", [JSON.stringify({ ...optionsOf(index), ...more })]);
      child.stdout.on("data", (chunk: Buffer) => this.log.push(`${nodeName(index)} ${chunk.toString()}`));
      return child;
    },

    /** Creates the Node, waits for its agent's annotations, and plans it. */
    async admitNode(index: number): Promise<void> {
      const annotations = nodeSubnetsAnnotation(subnetsOf(index));
      await call(apiSocket, "PUT", "/api/v1/nodes", {
        metadata: { name: nodeName(index), uid: `node-${index}`, annotations },
        status: { conditions: [{ type: "NetworkUnavailable", status: "True" }] },
      });
      const node = await this.nodeWith(index, (annotated) => gatewayConfigOf(annotated) !== undefined);
      const gateway = gatewayConfigOf(node);
      const resolved: ResolvedNode = {
        name: nodeName(index),
        id: 2 + index,
        subnets: subnetsOf(index),
        chassisId: chassisIdOf(node),
        gateway,
        hostAddresses: hostAddressesOf([], gateway, hostCidrsOf(node)),
      };
      nodes.set(index, resolved);
      await commit(nodeFacts(scope, `node/${resolved.name}`, network, resolved, false));
    },

    /** The Node, once its annotations are as `wanted` requires. */
    async nodeWith(index: number, wanted: (node: { annotations: Record<string, string> }) => boolean) {
      for (;;) {
        const { items } = record(await call(apiSocket, "GET", "/api/v1/nodes"));
        const all: readonly unknown[] = Array.isArray(items) ? items : [];
        const found = all
          .map((item) => record(record(item).metadata))
          .find((m) => m.name === nodeName(index));
        const annotations = Object.fromEntries(
          Object.entries(record(found?.annotations)).map(([key, value]) => [key, String(value)]),
        );
        if (wanted({ annotations })) return { annotations };
        await pause();
      }
    },

    /** The conditions in the status of the Node. */
    async conditions(index: number): Promise<unknown> {
      const { items } = record(
        await call(apiSocket, "GET", `/api/v1/nodes?fieldSelector=metadata.name=${nodeName(index)}`),
      );
      const all: readonly unknown[] = Array.isArray(items) ? items : [];
      return record(record(all[0]).status).conditions;
    },

    /**
     * Runs the CNI executable for `container` as a runtime would. `more` overrides the environment, `conf` the
     * configuration.
     */
    cni(
      command: string,
      container: string,
      pod: TestPod,
      more: Record<string, string> = {},
      conf: Json = {},
    ) {
      const env = {
        CNI_COMMAND: command,
        CNI_CONTAINERID: container,
        CNI_NETNS: `/run/netns/${pod.netns}`,
        CNI_IFNAME: "eth0",
        CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod.name};K8S_POD_UID=${pod.uid}`,
        CNI_PATH: "/opt/cni/bin",
        ...more,
      };
      const { cniSocket } = optionsOf(pod.node);
      const stdin = { cniVersion: "1.1.0", name: "weft", type: "weft-cni", socket: cniSocket, ...conf };
      return runPlugin(plugin, env, JSON.stringify(stdin));
    },

    /** Resolves when the agent has written the CNI configuration. */
    async ready(index: number): Promise<void> {
      const host = sandbox.host(nodeName(index));
      while ((await host.tryExec(["curl", "-sf", "http://127.0.0.1:9410/readyz"])).status !== 0)
        await pause();
    },

    /** A pod with an address, a planned port, and a network namespace. */
    async makePod(
      name: string,
      index: number,
      place: number,
      uid: string = crypto.randomUUID(),
      annotations: Readonly<Record<string, string>> = {},
    ): Promise<TestPod> {
      const node = this.resolved(index);
      const addresses = node.subnets.map((subnet) => within(subnet, addressAt(subnet, BigInt(place))));
      const [first] = addresses;
      if (!first) throw new RangeError("no subnet");
      const podNetwork: PodNetwork = {
        addresses,
        mac: macOf(first.ip),
        gateways: node.subnets.map(gatewayOf),
      };
      const netns = await this.makeNamespace(`${name}-${uid.slice(0, 4)}`);
      await this.putPod(name, index, uid, { ...annotations, ...podNetworkAnnotation(podNetwork) });
      await commit(
        podFacts(scope, `pod/default/${name}`, { namespace: "default", name, uid }, node, podNetwork),
      );
      return { name, uid, node: index, netns, network: podNetwork };
    },

    async makeNamespace(name: string): Promise<string> {
      const netns = `${layout.netnsPrefix}pod-${name}`;
      await runHere(["ip", "netns", "add", netns]);
      await runHere(["ip", "-n", netns, "link", "set", "lo", "up"]);
      return netns;
    },

    /** A second container in the same pod, as if the runtime had given up on the first one without a DEL. */
    async secondNamespace(pod: TestPod): Promise<TestPod> {
      const netns = `${pod.netns}2`;
      await runHere(["ip", "netns", "add", netns]);
      return { ...pod, netns };
    },

    putPod: (
      name: string,
      index: number,
      uid: string,
      annotations: Readonly<Record<string, string>>,
      labels: Readonly<Record<string, string>> = {},
    ) =>
      call(apiSocket, "PUT", "/api/v1/pods", {
        metadata: { namespace: "default", name, uid, annotations, labels },
        spec: { nodeName: nodeName(index) },
        status: {},
      }),

    deletePod: (name: string) => call(apiSocket, "DELETE", "/api/v1/pods", { key: `default/${name}` }),

    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The facts as operations of one transaction, rows first. Only for facts that are not in the database yet. */
function transactionOf(facts: readonly Fact[]): Transaction<NorthboundTables> {
  const tx = new Transaction(northbound);
  for (const fact of facts) {
    const table: string = fact.table;
    if (fact.kind === "row") tx.insert(table, fact.columns, fact.uuid);
  }
  for (const fact of facts) {
    const table: string = fact.table;
    if (fact.kind === "member") tx.mutateSet(table, fact.uuid, fact.column, "insert", [fact.value]);
  }
  return tx;
}

export function call(socketPath: string, method: string, path: string, body?: Json): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const text = body && JSON.stringify(body);
    // Node sends the body of a DELETE without a length, which no server understands.
    const headers = text ? { "content-length": Buffer.byteLength(text) } : {};
    const sent = request({ socketPath, method, path, headers }, (response) => {
      let answer = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (answer += chunk));
      response.on("end", () => resolve(JSON.parse(answer)));
    });
    sent.on("error", reject);
    sent.end(text);
  });
}

export interface PluginRun {
  readonly exit: number | null;
  /** What it printed; undefined when it printed nothing. */
  readonly said: Json | undefined;
}

export async function runPlugin(
  plugin: string,
  env: Record<string, string>,
  stdin: string,
): Promise<PluginRun> {
  const child = spawn(plugin, { env, stdio: ["pipe", "pipe", "inherit"] });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stdin.end(stdin);
  await once(child, "close");
  return { exit: child.exitCode, said: stdout === "" ? undefined : record(JSON.parse(stdout)) };
}

async function runHere(argv: readonly string[]): Promise<void> {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { stdio: "inherit" });
  await once(child, "exit");
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

export const kubeconfigFor = (server: string): string =>
  JSON.stringify({
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server } }],
    users: [],
    contexts: [{ name: "test", context: { cluster: "test", user: "" } }],
  });
