// How many OpenFlow flows a Service costs on a node, by sort: Services of one sort are made in a sandbox of three nodes, and the
// flows of each node's integration bridge are counted before and after. Nothing is timed.

import { setTimeout as delay } from "node:timers/promises";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { upSandbox } from "../../sandbox/up.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { pathOf } from "../../src/kube/resource.ts";
import type { Bench, Figure } from "../figure.ts";

const count = 20;
const namespace = "default";
const patienceMs = 60_000;

interface Sort {
  readonly name: string;
  readonly spec: object;
  /** The part of an endpoint that says for whom it is. */
  readonly hints: (node: string) => object;
  readonly ingress?: (index: number) => string;
}

const plain = { spec: {}, hints: () => ({}) };
const local = { externalTrafficPolicy: "Local" };
const balancer = {
  type: "LoadBalancer",
  loadBalancerClass: "none/none",
  allocateLoadBalancerNodePorts: false,
};
const sorts: readonly Sort[] = [
  { ...plain, name: "ClusterIP" },
  { ...plain, name: "NodePort", spec: { type: "NodePort" } },
  { ...plain, name: "NodePort, Local", spec: { type: "NodePort", ...local } },
  { ...plain, name: "inside Local", spec: { internalTrafficPolicy: "Local" } },
  { ...plain, name: "LoadBalancer", spec: balancer, ingress: (index) => `198.51.100.${10 + index}` },
  {
    ...plain,
    ...{ name: "LoadBalancer, Local", spec: { ...balancer, ...local } },
    ingress: (index) => `198.51.100.${110 + index}`,
  },
  {
    ...plain,
    name: "hints at zones",
    hints: (node) => ({ hints: { forZones: [{ name: `zone-of-${node}` }] } }),
  },
  { ...plain, name: "hints at nodes", hints: (node) => ({ hints: { forNodes: [{ name: node }] } }) },
];

export const serviceFlowsBench: Bench = {
  name: "service-flows",
  about: `flows of ${count} Services of each sort, with one TCP port, one family and an endpoint on each of 3 nodes`,
  async run(progress) {
    await using sandbox = await upSandbox({ name: "benchflows", nodes: 3, families: [4], progress });
    using client = new KubeClient(await loadKubeconfig(sandbox.kubeconfig));
    const nodes = sandbox.layout.nodeHosts.map(({ name }) => name);
    for (const node of nodes)
      await client.patch(pathOf(kinds.Node, "", node), {
        metadata: { labels: { "topology.kubernetes.io/zone": `zone-of-${node}` } },
      });
    const figures: Figure[] = [];
    for (const [number, sort] of sorts.entries()) {
      const before = await flowsOf(sandbox);
      const names = Array.from({ length: count }, (_, index) => `sort${number}-${index}`);
      for (const [index, name] of names.entries()) await make(client, sort, name, index, nodes);
      await balanced(sandbox, names);
      const flows = ((await flowsOf(sandbox)) - before) / count / nodes.length;
      progress(`${sort.name}: ${flows.toFixed(1)} flows`);
      figures.push({ name: `${sort.name}: flows for each Service and node`, unit: "flows", value: flows });
    }
    return figures;
  },
};

async function make(
  client: KubeClient,
  { spec, hints, ingress }: Sort,
  name: string,
  index: number,
  nodes: readonly string[],
): Promise<void> {
  const metadata = { namespace, name };
  const ports = [{ name: "http", protocol: "TCP", port: 80 }];
  await client.create(pathOf(kinds.Service, namespace), {
    ...{ apiVersion: "v1", kind: "Service", metadata },
    spec: { type: "ClusterIP", ports, ...spec },
  });
  if (ingress)
    await client.patch(pathOf(kinds.Service, namespace, name, "status"), {
      status: { loadBalancer: { ingress: [{ ip: ingress(index) }] } },
    });
  await client.create(pathOf(kinds.EndpointSlice, namespace), {
    ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
    metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
    endpoints: nodes.map((nodeName, at) => ({
      addresses: [`10.244.${at}.${100 + index}`],
      conditions: { ready: true },
      ...{ nodeName, ...hints(nodeName) },
    })),
  });
}

/** Waits until OVN has balancers with endpoints for all of them. */
async function balanced({ central }: Sandbox, names: readonly string[]): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const rows = await central.exec(["ovn-nbctl", "--bare", "--columns=name,vips", "list", "Load_Balancer"]);
    const there = rows.split("\n\n").filter((row) => row.includes(":8080"));
    if (names.every((name) => there.some((row) => row.includes(`_${name}_`)))) return;
    if (performance.now() > deadline) throw new Error(`no balancers for ${names.join(", ")}`);
    await delay(200);
  }
}

/** The flows of all nodes together, once every ovn-controller has installed what the databases say. */
async function flowsOf({ central, nodes }: Sandbox): Promise<number> {
  await delay(500);
  await central.exec(["ovn-nbctl", "--wait=hv", "sync"]);
  const counts = nodes.map(async (node) => {
    const text = await node.exec(["ovs-ofctl", "dump-aggregate", "br-int"]);
    return Number(/flow_count=(\d+)/.exec(text)?.[1]);
  });
  return (await Promise.all(counts)).reduce((sum, one) => sum + one, 0);
}
