// Who reaches whom: pods, nodes, Services, the API server and the world, in both families, and packets of full size.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { demoApps, demoObjects } from "../../sandbox/demo/objects.ts";
import { pathsBetween } from "../../sandbox/demo/paths.ts";
import { checkPaths } from "../../sandbox/demo/probe.ts";
import { Cluster, type Question } from "./cluster.ts";

const nodes = ["n1", "n2", "n3"];
const pods = nodes.map((node) => `shop/web-${node}`);
const outside = ["172.30.0.100", "fd00:172:30::100"];
const apiServer = ["172.30.0.11", "fd00:172:30::11"];

suite("a cluster of three nodes", { timeout: 90_000 }, () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.up({ name: "testpaths" });
    await cluster.apply(...demoObjects(nodes, [4, 6]).items);
    for (const { namespace } of demoApps) await cluster.podsReady(namespace);
    await cluster.serveEcho("outside", 53, 8080);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const inPod = (pod: string, ...argv: readonly string[]) => {
    const [namespace = "", name = ""] = pod.split("/");
    return cluster.kubectl("exec", "-n", namespace, name, "--", ...argv);
  };
  const failuresFrom = async (
    sources: readonly string[],
    questions: readonly Question[],
  ): Promise<readonly string[]> => {
    const failed: string[] = [];
    for (const source of sources) failed.push(...(await cluster.failures(source, questions)));
    return failed;
  };

  test("every pod reaches every pod, Service and node and the world, and every node every pod and Service", async () => {
    const paths = pathsBetween(await cluster.places());
    const checked = await checkPaths(cluster.sandbox, paths, () => undefined);
    const failed = checked.filter(({ result }) => !result.ok);
    assert.deepEqual(
      failed.map(({ path, result }) => `${path.id}: ${result.words}`),
      [],
    );
    assert.equal(checked.length, 321);
  });

  test("the API server answers as a Service, to pods of all nodes and to all nodes, its own among them", async () => {
    const ask = ["curl", "-sk", "--max-time", "10", "https://10.96.0.1/version"];
    for (const pod of pods) assert.match(await inPod(pod, ...ask), /gitVersion|Unauthorized/, pod);
    for (const { host, exec } of cluster.sandbox.nodes.map((node) => ({
      host: node.host,
      exec: () => node.exec(ask),
    }))) {
      assert.match(await exec(), /gitVersion|Unauthorized/, host.name);
    }
  });

  test("pods reach the API server under its node's own addresses, from that node and from others", async () => {
    const questions = apiServer.map((address): Question => ({ way: "connect", address, port: 6443 }));
    assert.deepEqual(await failuresFrom([...pods, "n2", "n3", "outside"], questions), []);
  });

  test("pods reach servers outside by TCP and, as they ask DNS, by UDP, and are seen there as their node", async () => {
    for (const [index, pod] of pods.entries()) {
      const questions = outside.flatMap((address): Question[] => [
        { way: "udp", address, port: 53 },
        { way: "tcp", address, port: 8080 },
      ]);
      const results = await cluster.ask(pod, questions);
      const [v4, v6] = [`172.30.0.1${index + 1}`, `fd00:172:30::1${index + 1}`];
      assert.deepEqual(
        results.map(({ words }) => words.split(" ").slice(0, 3).join(" ")),
        [v4, v4, v6, v6].map((seen) => `outside outside ${seen}`),
      );
    }
  });

  test("nodes reach the world, and the world nodes", async () => {
    const toOutside = outside.map((address): Question => ({ way: "tcp", address, port: 8080 }));
    assert.deepEqual(await failuresFrom(nodes, toOutside), []);
    const toNodes = ["172.30.0.12", "fd00:172:30::12", "172.30.0.13", "fd00:172:30::13"].map(
      (address): Question => ({ way: "icmp", address, port: 0 }),
    );
    assert.deepEqual(await failuresFrom(["outside"], toNodes), []);
  });

  test("a pod is seen under its own address by pods and by nodes' processes it asks", async () => {
    const [web1 = "", web3 = ""] = [pods[0], pods[2]];
    const own = await cluster.addressesOf("shop", "web-n1");
    const targets = await cluster.addressesOf("shop", "web-n3");
    const results = await cluster.ask(
      web1,
      targets.map((address) => ({ way: "tcp", address, port: 8080 })),
    );
    assert.deepEqual(
      results.map(({ words }) => words.split(" ").slice(0, 3).join(" ")),
      own.map((address) => `${web3.replace("shop/", "")} n3 ${address}`),
    );
  });

  test("interfaces have the link's MTU less the tunnel's overhead, and packets of that size pass between nodes", async () => {
    const mtu = 1500 - 58;
    for (const pod of pods) {
      assert.match(await inPod(pod, "ip", "link", "show", "eth0"), new RegExp(` mtu ${mtu} `));
    }
    for (const node of cluster.sandbox.nodes) {
      assert.match(await node.exec(["ip", "link", "show", "weft0"]), new RegExp(` mtu ${mtu} `));
    }
    const [far4 = "", far6 = ""] = await cluster.addressesOf("shop", "web-n3");
    const full = [
      [far4, mtu - 28],
      [far6, mtu - 48],
      [outside[0] ?? "", mtu - 28],
      [outside[1] ?? "", mtu - 48],
    ] as const;
    const ping = (size: number, to: string) => [
      "ping",
      "-n",
      "-c1",
      "-W2",
      "-M",
      "do",
      "-s",
      String(size),
      to,
    ];
    for (const [to, size] of full) {
      assert.match(await inPod("shop/web-n1", ...ping(size, to)), /1 received/, `${size} bytes to ${to}`);
      await assert.rejects(inPod("shop/web-n1", ...ping(size + 1, to)), /message too long/i);
    }
    const [n1] = cluster.sandbox.nodes;
    for (const [to, size] of full.slice(0, 2))
      assert.match((await n1?.exec(ping(size, to))) ?? "", /1 received/);
  });
});
