// What a pod that a policy closes still hears of nodes: its own, by whichever way, and nobody who only claims to be it.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { nodeSubnetsOf } from "../../src/kube/annotations.ts";
import { type Cidr, formatIp } from "../../src/model/ip.ts";
import { type PodNetwork, podNetworkAt } from "../../src/model/network.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, type Question } from "./cluster.ts";
import { datagram, type Identity } from "./frames.ts";
import { namespace, pod, service } from "./manifests.ts";
import { limitSeconds, Reach } from "./reach.ts";
import { type Spoken, Wire } from "./wire.ts";

const families = [4, 6] as const;
/** Where frames.ts sends datagrams to. */
const discard = 9;
/** Of a node's own address in its subnet, on `weft0`. */
const managementOffset = 2;

suite("policies and nodes", suiteLimit, () => {
  let cluster: Cluster;
  let reach: Reach;

  before(async () => {
    cluster = await Cluster.up({ name: "testpolnodes", nodes: 2 });
    const ports = [
      { name: "web", containerPort: 8080 },
      { name: "discard", containerPort: discard, hostPort: discard, protocol: "UDP" as const },
    ];
    await cluster.apply(
      namespace("shop"),
      pod({
        namespace: "shop",
        name: "db",
        node: "n2",
        labels: { app: "db" },
        spec: { containers: [{ name: "main", image: "echo", ports }] },
      }),
      service({
        namespace: "shop",
        name: "db",
        spec: {
          type: "NodePort",
          selector: { app: "db" },
          ports: [
            { name: "tcp", port: 80, targetPort: 8080 },
            { name: "udp", protocol: "UDP", port: 80, targetPort: 8080 },
          ],
        },
      }),
    );
    await cluster.podsReady("shop");
    reach = await Reach.of(cluster, { "shop/db": "n2" });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const closed = (...from: readonly object[]): object => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { namespace: "shop", name: "closed" },
    spec: { podSelector: {}, ingress: from.length > 0 ? [{ from }] : [] },
  });

  test("its own node reaches it through a Service and through a port of the node, which others reach it through as well", async () => {
    const asked = (address: string, tcp: number, udp: number): readonly Question[] => [
      { way: "tcp", address, port: tcp },
      { way: "udp", address, port: udp },
    ];
    const byService = (await cluster.clusterIpsOf("shop", "db")).flatMap((ip) => asked(ip, 80, 80));
    const nodePorts = await cluster.field("service", "shop", "db", "{.spec.ports[*].nodePort}");
    const [tcp = 0, udp = 0] = nodePorts.split(" ").map(Number);
    const at = (node: string): readonly Question[] =>
      cluster.hostAddresses(node).flatMap((ip) => asked(ip, tcp, udp));
    /** Each way, and how many of its four questions were answered. */
    const answered = async (): Promise<Readonly<Record<string, number>>> => {
      const ways: readonly (readonly [string, string, readonly Question[]])[] = [
        ["n2 by the Service", "n2", byService],
        ["n2 by its own port", "n2", at("n2")],
        ["outside by n2's port", "outside", at("n2")],
        ["n1 by the Service", "n1", byService],
        ["n1 by its own port", "n1", at("n1")],
        ["outside by n1's port", "outside", at("n1")],
      ];
      const counts = await Promise.all(
        ways.map(async ([what, from, questions]) => {
          const results = await cluster.ask(from, questions, limitSeconds);
          return [what, results.filter(({ ok }) => ok).length] as const;
        }),
      );
      return Object.fromEntries(counts);
    };
    const own = { "n2 by the Service": 4, "n2 by its own port": 4, "outside by n2's port": 4 };
    const other = (count: number) => ({
      "n1 by the Service": count,
      "n1 by its own port": count,
      "outside by n1's port": count,
    });
    await becomes("without a policy", { ...own, ...other(4) }, answered);
    await cluster.apply(closed());
    await becomes("closed to all but its node", { ...own, ...other(0) }, answered);
    const blocks = cluster.hostAddresses("n1").map((address) => ({
      ipBlock: { cidr: `${address}/${address.includes(":") ? 128 : 32}` },
    }));
    await cluster.apply(closed(...blocks));
    await becomes("open to n1, too", { ...own, ...other(4) }, answered);
    await cluster.kubectl("delete", "networkpolicy", "-n", "shop", "closed");
  });

  test("nobody is taken for its own node by the node's address: not another node, not a host outside", async () => {
    await using wire = new Wire(cluster);
    await wire.listen("shop/db");
    const [one, two] = [await subnetsOf("n1"), await subnetsOf("n2")];
    const own = identity(podNetworkAt(two, managementOffset));
    const db = identityAt(reach.addressesOf("shop/db"), own.mac);
    const host = identityAt(cluster.hostAddresses("n2"), cluster.sandbox.host("n2").host.mac);
    const byRouter = (subnets: readonly Cidr[]): Identity => ({ ...db, mac: podNetworkAt(subnets, 1).mac });
    for (const family of families) {
      const says = (to: Identity): Spoken => ({
        what: `IPv${family} to ${to[family]}`,
        frame: (mark) => datagram(family, own, to, mark),
      });
      const truth = { from: "n2", card: "weft0", to: "shop/db", spoken: says(byRouter(two)) };
      const lies = [
        { from: "n1", card: "weft0", to: "shop/db", spoken: says(byRouter(one)) },
        { from: "outside", card: "eth0", to: "shop/db", spoken: says(host) },
      ];
      for (const lie of lies) await wire.expectHeard(lie);
      await cluster.apply(closed());
      for (const { from, card, spoken } of lies) {
        await becomes(`${from} is not heard`, [], () => wire.overheard(from, [spoken], truth, card));
      }
      await cluster.kubectl("delete", "networkpolicy", "-n", "shop", "closed");
    }
  });

  async function subnetsOf(node: string): Promise<readonly Cidr[]> {
    const { metadata } = JSON.parse(await cluster.kubectl("get", "node", node, "-o", "json"));
    return nodeSubnetsOf(metadata) ?? assert.fail(`${node} has no subnets`);
  }
});

const identity = ({ mac, addresses }: PodNetwork): Identity =>
  identityAt(
    addresses.map(({ ip }) => formatIp(ip)),
    mac,
  );

const identityAt = ([four = "", six = ""]: readonly string[], mac: string): Identity => ({
  mac,
  4: four,
  6: six,
});
