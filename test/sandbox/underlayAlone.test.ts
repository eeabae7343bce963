// A pod needs nothing but its node: with the API server, the northbound database, ovn-northd and the controllers gone,
// pods that the agents already know start on pool ports and reach everything. When all are back, nobody has noticed.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { plainAddress } from "../../sandbox/host.ts";
import { podNetworkOf } from "../../src/kube/annotations.ts";
import { formatIp } from "../../src/model/ip.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { type HandPod, HandRuntime, type RunningPod } from "./handRuntime.ts";
import { namespace, pod, service } from "./manifests.ts";
import { poolView } from "./poolView.ts";
import { Stream } from "./stream.ts";

/** They are on different hypervisors. The runner of n1 keeps running, to report on the stream. */
const nodes = ["n2", "n3"];
const count = 20;
const [low, high] = [12, 16];
/** In the order in which they are started again. The API server, which keeps everything in memory, is paused. */
const central = ["central-nb", "central-northd", "controllers", "controller"];
const labels = { app: "alone" };

suite("nodes that are alone", suiteLimit, () => {
  let cluster: Cluster;
  let runtime: HandRuntime;
  let stream: Stream;
  let awaited: readonly HandPod[] = [];
  let pods: readonly RunningPod[] = [];

  before(async () => {
    cluster = await Cluster.up({ name: "alone", mode: "underlay", nodes: 3 });
    const { processes } = cluster.sandbox;
    const controller = processes.record("controller");
    await processes.stop(controller.name);
    await processes.launch({ ...controller, argv: [...controller.argv, "--pool", `${low},${high}`] });
    await cluster.apply(namespace("alone"), namespace("elsewhere"));
    stream = await Stream.start(cluster, { namespace: "alone", name: "stream", from: "n2", to: "n1" });
    for (const node of nodes) await processes.kill(`${node}-runner`, "SIGKILL");
    runtime = new HandRuntime(cluster.sandbox);
    for (const node of nodes)
      await eventually(`the pool of ${node} is full`, async () => {
        const { offer, seen } = await poolView(cluster, node);
        const isSettled = offer.withdrawn.length === 0 && seen.generation >= offer.asked;
        return offer.open.length >= low && isSettled;
      });
    awaited = await bound(Array.from({ length: count }, (_, index) => `pod-${index}`));
    await agentsKnowAll();
  });
  after(async () => {
    await runtime?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test("pods start with everything central gone, on open ports, and each has addresses of its own", async () => {
    const open = (
      await Promise.all(
        nodes.map(async (node) => {
          const { offer, portAt } = await poolView(cluster, node);
          return offer.open.map((port) => portAt(port).identity[4]);
        }),
      )
    ).flat();
    const { processes } = cluster.sandbox;
    await processes.pause("api");
    for (const name of central) await processes.kill(name, "SIGKILL");
    pods = await Promise.all(awaited.map((each) => runtime.start(each)));
    const addresses = pods.flatMap((each) => each.addresses);
    assert.equal(addresses.length, 2 * count);
    assert.equal(new Set(addresses).size, addresses.length);
    assert.deepEqual(
      pods.filter(({ addresses: [first = ""] }) => !open.includes(first)).map(({ name }) => name),
      [],
    );
  });

  test("they reach each other, a virtual and a physical machine, and these reach them", async () => {
    const all = pods.flatMap(({ addresses }) => addresses.map(tcp));
    const others = ["vm", "machine"].flatMap((name) =>
      cluster.sandbox.host(name).host.addresses.map(plainAddress).map(tcp),
    );
    for (const each of pods) assert.deepEqual(await runtime.failures(each, [...all, ...others]), []);
    for (const from of ["vm", "machine", ...nodes]) assert.deepEqual(await cluster.failures(from, all), []);
  });

  test("when all are back the claims become known, even to Services, and the pools are refilled", async () => {
    const { processes } = cluster.sandbox;
    await processes.resume("api");
    for (const name of central) await processes.start(name);
    await cluster.apply(
      service({
        namespace: "alone",
        name: "all",
        spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
      }),
    );
    await Promise.all(pods.map(reported));
    const wanted = pods.map(({ name, addresses }) => `${name} ${addresses.join()}`).toSorted();
    await becomes("annotations", wanted, claims);
    for (const node of nodes)
      await eventually(`the pool of ${node} is full again`, async () => {
        const { offer } = await poolView(cluster, node);
        const used = pods.filter((each) => each.node === node).length;
        return offer.open.length - used >= low;
      });
    const slices = "{range .items[*].endpoints[*]}{.targetRef.name} {end}";
    await becomes("endpoints", pods.map(({ name }) => name).toSorted(), async () => {
      const names = await cluster.kubectl("get", "endpointslices", "-n", "alone", "-o", `jsonpath=${slices}`);
      return [...new Set(names.split(" ").filter(Boolean))].toSorted();
    });
    for (const address of await cluster.clusterIpsOf("alone", "all"))
      await eventually(`pods of both nodes answer at ${address}`, async () => {
        const names = await cluster.answering("vm", { way: "tcp", address, port: 80 });
        const there = names.map((name) => pods.find((each) => each.name === name)?.node ?? name);
        return new Set(there).size === nodes.length && there.every((node) => nodes.includes(node));
      });
  });

  test("no pod and no stream has noticed", async () => {
    await stream.expectNoGap();
    const all = pods.flatMap(({ addresses }) => addresses.map(tcp));
    for (const from of ["vm", "machine"]) assert.deepEqual(await cluster.failures(from, all), []);
    for (const each of pods.slice(0, 2)) assert.deepEqual(await runtime.failures(each, all), []);
  });

  test("the ports that they release are used again, and nothing else is left of them", async () => {
    await cluster.kubectl(
      "delete",
      "pod",
      "-n",
      "alone",
      "--force",
      "--grace-period=0",
      ...pods.map(({ name }) => name),
    );
    for (const each of pods) await runtime.stop(each);
    for (const node of nodes)
      await becomes(`the pool of ${node}`, [], async () => {
        const { offer, seen } = await poolView(cluster, node);
        assert.ok(offer.open.length <= high, "it shrinks");
        return [...offer.withdrawn, ...seen.spent];
      });
  });

  /** Pod objects that wait for their node. */
  async function bound(names: readonly string[]): Promise<readonly HandPod[]> {
    const placed = names.map((name, index) => ({ name, node: nodes[index % nodes.length] ?? "" }));
    await cluster.apply(...placed.map(({ name, node }) => pod({ namespace: "alone", name, node, labels })));
    return Promise.all(
      placed.map(async ({ name, node }) => {
        const uid = await cluster.field("pod", "alone", name, "{.metadata.uid}");
        return { namespace: "alone", name, node, uid };
      }),
    );
  }

  /** If a younger pod gets an open port, the agent knows the older ones, and the policies that could select them. */
  async function agentsKnowAll(): Promise<void> {
    const scouts = await bound(nodes.map((node) => `scout-${node}`));
    await cluster.apply({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { namespace: "elsewhere", name: "any" },
      spec: { podSelector: {}, policyTypes: ["Ingress"] },
    });
    for (const scout of scouts)
      await eventually(`the agent of ${scout.node} knows all pods and policies`, async () => {
        const { offer, portAt } = await poolView(cluster, scout.node);
        const running = await runtime.start(scout);
        await runtime.stop(running);
        return offer.open.some((port) => portAt(port).identity[4] === running.addresses[0]);
      });
    await cluster.kubectl(
      "delete",
      "pod",
      "-n",
      "alone",
      "--force",
      "--grace-period=0",
      ...scouts.map(({ name }) => name),
    );
  }

  /** Does what a kubelet would do. */
  async function reported({ name, addresses }: RunningPod): Promise<void> {
    const status = {
      phase: "Running",
      podIP: addresses[0],
      podIPs: addresses.map((ip) => ({ ip })),
      conditions: [{ type: "Ready", status: "True" }],
    };
    const patch = JSON.stringify({ status });
    await cluster.kubectl(
      "patch",
      "pod",
      "-n",
      "alone",
      name,
      "--subresource=status",
      "--type=merge",
      "-p",
      patch,
    );
  }

  /** `NAME ADDRESS,ADDRESS` of the pods with the annotation. */
  async function claims(): Promise<readonly string[]> {
    const list: { readonly items: readonly Annotated[] } = JSON.parse(
      await cluster.kubectl("get", "pods", "-n", "alone", "-l", "app=alone", "-o", "json"),
    );
    return list.items
      .flatMap(({ metadata }) => {
        const network = podNetworkOf({ annotations: metadata.annotations ?? {} });
        return network ? [`${metadata.name} ${network.addresses.map(({ ip }) => formatIp(ip)).join()}`] : [];
      })
      .toSorted();
  }
});

interface Annotated {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

const tcp = (address: string): Question => ({ way: "tcp", address, port: 8080 });
