// Who reaches whom: pods, nodes, Services, the API server and the outside, in both families, with packets of full size.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { demoApps, demoObjects } from "../../sandbox/demo/objects.ts";
import { pathsBetween } from "../../sandbox/demo/paths.ts";
import { checkPaths } from "../../sandbox/demo/probe.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, networkUnderTest, type Question } from "./cluster.ts";
import { believesPacketTooBig, forgetPathMtus, tellPacketTooBig } from "./packetTooBig.ts";

const nodes = ["n1", "n2", "n3"];
const pods = nodes.map((node) => `shop/web-${node}`);

suite("a cluster of three nodes", suiteLimit, () => {
  let cluster: Cluster;
  let outside: readonly string[];

  before(async () => {
    cluster = await Cluster.up({ name: "testpaths" });
    await cluster.apply(...demoObjects(nodes, [4, 6]).items);
    for (const { namespace } of demoApps) await cluster.podsReady(namespace);
    outside = cluster.hostAddresses(cluster.beyond);
    await cluster.serveEcho(cluster.beyond, 53, 8081);
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

  test("every pod reaches every pod, Service, node and the outside, and every node every pod and Service", async () => {
    const paths = pathsBetween(await cluster.places());
    const checked = await checkPaths(cluster.sandbox, paths, () => undefined);
    const failed = checked.filter(({ result }) => !result.ok);
    assert.deepEqual(
      failed.map(({ path, result }) => `${path.id}: ${result.words}`),
      [],
    );
    // In a cloud there are a virtual and a physical machine beside the nodes, which ask as well.
    assert.equal(checked.length, cluster.beyond === "outside" ? 321 : 447);
  });

  test("pods of all nodes resolve Services and pods by name, over UDP and TCP, and learn what does not exist", async () => {
    const addresses = async (pod: string, name: string, ...env: readonly string[]) => {
      const found = await inPod(pod, "env", ...env, "getent", "ahosts", name);
      return new Set(found.split("\n").flatMap((line) => line.split(" ")[0] || []));
    };
    const till = new Set(await cluster.clusterIpsOf("bank", "till"));
    for (const pod of pods) {
      assert.deepEqual(await addresses(pod, "till.bank"), till, pod);
      assert.deepEqual(await addresses(pod, "till.bank.svc.cluster.local", "RES_OPTIONS=use-vc"), till, pod);
      assert.match(await inPod(pod, "curl", "-s", "--max-time", "10", "http://web/hostname"), /^web-n\d\n$/);
      const [namespace = "", name = ""] = pod.split("/");
      const [ip = ""] = await cluster.addressesOf(namespace, name);
      assert.deepEqual(await addresses(pod, name), new Set(await cluster.addressesOf(namespace, name)));
      assert.deepEqual(await addresses("shop/web-n1", `${ip.replaceAll(".", "-")}.shop.pod`), new Set([ip]));
      await assert.rejects(addresses(pod, "nobody.bank"), /exit code 2|status 2/);
    }
  });

  test("the API server answers as a Service, to pods of all nodes and to all nodes, including its own", async () => {
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
    const apiServer = cluster.hostAddresses("n1");
    const questions = apiServer.map((address): Question => ({ way: "connect", address, port: 6443 }));
    assert.deepEqual(await failuresFrom([...pods, "n2", "n3", cluster.beyond], questions), []);
  });

  test("pods reach outside servers by TCP and by UDP (as for DNS), and are seen as their node, or in a cloud as themselves", async () => {
    for (const pod of pods) {
      const questions = outside.flatMap((address): Question[] => [
        { way: "udp", address, port: 53 },
        { way: "tcp", address, port: 8081 },
      ]);
      const results = await cluster.ask(pod, questions);
      const seen =
        cluster.beyond === "machine"
          ? await cluster.addressesOf("shop", pod.replace("shop/", ""))
          : cluster.hostAddresses(pod.replace("shop/web-", ""));
      assert.deepEqual(
        results.map(({ words }) => words.split(" ").slice(0, 3).join(" ")),
        seen
          .flatMap((address) => [address, address])
          .map((address) => `${cluster.beyond} ${cluster.beyond} ${address}`),
      );
    }
  });

  test("nodes reach the outside, and the outside reaches nodes", async () => {
    const toOutside = outside.map((address): Question => ({ way: "tcp", address, port: 8081 }));
    assert.deepEqual(await failuresFrom(nodes, toOutside), []);
    const toNodes = ["n2", "n3"]
      .flatMap((node) => cluster.hostAddresses(node))
      .map((address): Question => ({ way: "icmp", address, port: 0 }));
    assert.deepEqual(await failuresFrom([cluster.beyond], toNodes), []);
  });

  test("pods and processes on nodes see a client pod under its own address", async () => {
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

  test("pods take what their node's link carries, send what is left of it in a tunnel if there is one, and packets of that size pass between nodes", async () => {
    const mtu = cluster.podMtu;
    for (const pod of pods) {
      assert.match(await inPod(pod, "ip", "link", "show", "eth0"), / mtu 1500 /);
    }
    const own = cluster.beyond === "outside" ? "weft0" : "br-ex";
    // Where the node is the pods' gateway, its routes have what is left.
    const bytes = networkUnderTest() === "local" ? 1500 : mtu;
    for (const node of cluster.sandbox.nodes)
      assert.match(await node.exec(["ip", "link", "show", own]), new RegExp(` mtu ${bytes} `));
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

  test("large answers of a node's server reach pods of other nodes, and nobody believes less of the nodes between which they travelled", async () => {
    const server = cluster.sandbox.host("n2");
    const listening = server.exec(["perl", "-MIO::Socket::IP", "-e", largeAnswers]);
    const targets = cluster.hostAddresses("n2");
    const sizes = targets.map((address) => (address.includes(":") ? 1452 : 1472));
    for (const [index, address] of targets.entries()) {
      const size = String(sizes[index]);
      await inPod("shop/web-n1", "perl", "-MIO::Socket::IP", "-e", askForLarge, address, size);
    }
    await inPod("shop/web-n1", "perl", "-MIO::Socket::IP", "-e", askForLarge, targets[0] ?? "", "0");
    await listening;
    for (const [index, address] of cluster.hostAddresses("n1").entries()) {
      const whole = ["ping", "-n", "-c1", "-W5", "-M", "do", "-s", String(sizes[index]), address];
      assert.match(await server.exec(whole), /1 received/);
    }
  });

  test("a pod that says falsely that a path takes only small packets is believed by no node", async () => {
    // In a cloud whoever reaches a machine may tell it so.
    if (cluster.beyond === "machine") return;
    const node = cluster.sandbox.host("n1");
    const told = cluster.hostAddresses("n1");
    const ends = cluster.hostAddresses("n3");
    const subnets = await cluster.field(
      "node",
      "",
      "n1",
      "{.metadata.annotations.k8s\\.ovn\\.org/node-subnets}",
    );
    const management = [...subnets.matchAll(/([0-9a-f.:]+?)(?:0|(?<=:))\/\d+/g)].map(
      ([, start]) => `${start}2`,
    );
    assert.equal(management.length, 2, subnets);
    const lies = (at: readonly string[]) =>
      at.flatMap((address) => {
        const index = address.includes(":") ? 1 : 0;
        return [[address, told[index] ?? "", ends[index] ?? ""]];
      });
    const believed = async (): Promise<readonly string[]> => {
      const found: string[] = [];
      for (const end of ends) if (await believesPacketTooBig(node, end)) found.push(end);
      return found;
    };
    for (const pod of ["shop/web-n1", "shop/web-n2"])
      for (const lie of lies([...told, ...management])) {
        await inPod(pod, "perl", "-e", tellPacketTooBig, ...lie);
        assert.deepEqual(await believed(), [], `${pod} told ${lie.join(" ")}`);
      }
    for (const lie of lies(told))
      await cluster.sandbox.host(cluster.beyond).exec(["perl", "-e", tellPacketTooBig, ...lie]);
    await becomes("the node believes the same of a router", ends, believed);
    await forgetPathMtus(node);
  });
});

/** Answers with as many bytes as it is asked for, and ends when that is none. */
const largeAnswers = `my $s = IO::Socket::IP->new(Proto => "udp", LocalHost => "::", LocalPort => 5300, V6Only => 0, ReuseAddr => 1) or die $@;
  alarm 80; while (defined(my $from = recv $s, my $size, 99, 0)) { last if $size == 0; send $s, "x" x $size, 0, $from }`;

/** Asks until it hears something, and then three times for so many bytes, never twice for the same. */
const askForLarge = `my ($to, $size) = @ARGV;
  my $s = IO::Socket::IP->new(Proto => "udp", PeerHost => $to, PeerPort => 5300) or die $@;
  if ($size == 0) { syswrite $s, "0"; exit }
  my $heard = sub { my $in = ""; vec($in, fileno $s, 1) = 1; select($in, undef, undef, $_[0]) or return 0; sysread($s, my $got, 9000); length $got };
  do { syswrite $s, "1" } until $heard->(0.2);
  for (1 .. 3) { syswrite $s, $size; while (my $got = $heard->(20)) { next unless $got == $size; $answers++; last } }
  die "$answers of 3 answers" unless $answers == 3`;
