// Who gets which address and who may use it: the annotation, host-network and finished pods, forged annotations and
// packets, and a node with no address left.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, suite, test } from "node:test";
import { addressAt, type Cidr, formatCidr, formatIp, parseCidr } from "../../src/model/ip.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";

const ns = "addr";
const nodeSubnets = "{.metadata.annotations.k8s\\.ovn\\.org/node-subnets}";
const annotation = "{.metadata.annotations.k8s\\.ovn\\.org/pod-networks}";

suite("addresses on a node with room for four pods", suiteLimit, () => {
  let cluster: Cluster;
  /** The subnet of n1, with room for four pods. */
  let subnet: Cidr;
  /** The four pods. */
  let places: readonly string[];

  before(async () => {
    cluster = await Cluster.up({
      name: "testaddr",
      nodes: 2,
      clusterCidrs: ["10.244.0.0/16/29", "fd00:10:244::/48/64"],
    });
    await cluster.apply(namespace(ns));
    // Which node comes first, and so gets which subnet, is left to chance.
    const { default: subnets } = JSON.parse(await cluster.field("node", "", "n1", nodeSubnets));
    subnet = parseCidr(subnets[0]) ?? assert.fail(`no subnet: ${subnets[0]}`);
    places = [3n, 4n, 5n, 6n].map((place) => formatIp(addressAt(subnet, place)));
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const create = async (...pods: readonly ReturnType<typeof pod>[]) => {
    await cluster.apply(...pods);
    await cluster.podsReady(ns, ...pods.map(({ metadata }) => metadata.name));
  };
  const portOf = (name: string) =>
    cluster.rows("Logical_Switch_Port", "addresses", `name=weft_pod_${ns}_${name}`);
  const eventsOf = (name: string, reason: string) =>
    cluster.kubectl(
      "get",
      "events",
      "-n",
      ns,
      "-o",
      "jsonpath={.items[*].message}",
      "--field-selector",
      `involvedObject.name=${name},reason=${reason}`,
    );
  const remove = (...names: readonly string[]) =>
    cluster.kubectl("delete", "pod", "-n", ns, "--now", ...names);

  test("a pod's annotation, status, interface and port agree", async () => {
    await create(pod({ namespace: ns, name: "plain", node: "n1" }));
    const [v4 = "", v6 = ""] = await cluster.addressesOf(ns, "plain");
    const { default: network } = JSON.parse(await cluster.field("pod", ns, "plain", annotation));
    assert.deepEqual(network.ip_addresses, [`${v4}/29`, `${v6}/64`]);
    assert.deepEqual(await portOf("plain"), [`${network.mac_address} ${v4} ${v6}`]);
    const link = await cluster.kubectl("exec", "-n", ns, "plain", "--", "ip", "addr", "show", "eth0");
    for (const text of [network.mac_address, `inet ${v4}/29`, `inet6 ${v6}/64`])
      assert.ok(link.includes(text), text);
    await remove("plain");
  });

  test("a pod in the host's network and a pod that has finished have no port, and the address of a finished pod is free", async () => {
    await create(
      pod({ namespace: ns, name: "host", node: "n1", ports: { web: 7071 }, spec: { hostNetwork: true } }),
    );
    await cluster.apply(
      pod({ namespace: ns, name: "job", node: "n1", command: ["true"], spec: { restartPolicy: "Never" } }),
    );
    await becomes("the job is done", "Succeeded", () => cluster.field("pod", ns, "job", "{.status.phase}"));
    await becomes("the finished pod's port is gone", [], () => portOf("job"));
    assert.equal(await cluster.field("pod", ns, "host", annotation), "");
    assert.deepEqual(await portOf("host"), []);
    const four = ["a", "b", "c", "d"].map((name) => pod({ namespace: ns, name, node: "n1" }));
    await create(...four);
    const taken = await Promise.all(["a", "b", "c", "d"].map((name) => cluster.addressesOf(ns, name)));
    assert.deepEqual(new Set(taken.map(([v4]) => v4)), new Set(places));
  });

  test("with no address left a pod gets an Event and waits, others go on, and it starts when one is free", async () => {
    await cluster.apply(pod({ namespace: ns, name: "fifth", node: "n1" }));
    const told = await eventually("the fifth pod is told why it waits", async () => {
      const message = await eventsOf("fifth", "NetworkNotReady");
      return message !== "" && message;
    });
    assert.ok(told.startsWith(`pod addr/fifth: no address left in ${formatCidr(subnet)}`), told);
    await create(pod({ namespace: ns, name: "elsewhere", node: "n2" }));
    assert.equal(await cluster.field("pod", ns, "fifth", "{.status.podIP}"), "");
    const status = await cluster.weft("status");
    assert.equal(status.status, 1);
    assert.match(status.stdout, /^unhealthy: 1 pod waiting for the network\n/);
    assert.match(status.stdout, /addr\/fifth +n1 +address +has no address: no address left in /);
    const [freed = ""] = await cluster.addressesOf(ns, "b");
    await remove("b");
    await cluster.podsReady(ns, "fifth");
    assert.equal((await cluster.addressesOf(ns, "fifth"))[0], freed);
    await remove("a", "c", "d", "fifth", "elsewhere");
  });

  test("a forged annotation is replaced, and one that is overwritten later is put back", async () => {
    await create(pod({ namespace: ns, name: "owner", node: "n1" }));
    const text = await cluster.field("pod", ns, "owner", annotation);
    const forged = { "k8s.ovn.org/pod-networks": text };
    await create(pod({ namespace: ns, name: "thief", node: "n1", annotations: forged }));
    const [owners = ""] = await cluster.addressesOf(ns, "owner");
    const [thiefs = ""] = await cluster.addressesOf(ns, "thief");
    assert.notEqual(thiefs, owners);
    await becomes("the pod is told", true, async () => (await eventsOf("thief", "AnnotationIgnored")) !== "");
    const router = text.replaceAll(`${owners}/`, `${formatIp(addressAt(subnet, 1n))}/`);
    const malformed = [router, "{", '{"default":{"ip_addresses":["10.244.9.9/24"],"mac_address":"x"}}'];
    for (const [index, value] of malformed.entries()) {
      const name = `odd-${index}`;
      await create(
        pod({ namespace: ns, name, node: "n1", annotations: { "k8s.ovn.org/pod-networks": value } }),
      );
      const [address = ""] = await cluster.addressesOf(ns, name);
      assert.ok(places.includes(address), address);
      await remove(name);
    }
    const before = await portOf("owner");
    await cluster.kubectl("annotate", "pod", "-n", ns, "owner", "--overwrite", "k8s.ovn.org/pod-networks={}");
    await becomes("the annotation is put back", text, () => cluster.field("pod", ns, "owner", annotation));
    assert.deepEqual(await portOf("owner"), before);
    await remove("owner", "thief");
  });

  test("a pod does not start on a port that somebody else has made, and starts when that is gone", async () => {
    const port = `weft_pod_${ns}_future`;
    await cluster.northbound("lsp-add", "weft_switch_n1", port, "--", "lsp-set-addresses", port, "unknown");
    await cluster.apply(pod({ namespace: ns, name: "future", node: "n1" }));
    await becomes("an Event names the port", true, async () =>
      (await eventsOf("future", "NetworkNotReady")).includes(
        `port ${port} in the northbound database is not Weft's`,
      ),
    );
    assert.match((await cluster.weft("status")).stdout, new RegExp(`port ${port} .* is not Weft's`));
    assert.equal(await cluster.field("pod", ns, "future", annotation), "");
    assert.deepEqual(await cluster.addressesOf(ns, "future"), []);
    await cluster.northbound("lsp-del", port);
    await cluster.podsReady(ns, "future");
    assert.equal((await portOf("future")).length, 1);
    await remove("future");
  });

  test("a pod that forges its MAC or its addresses gets nothing through", async () => {
    const sleep = ["sleep", "1000"];
    await create(
      pod({ namespace: ns, name: "forger", node: "n1", command: sleep }),
      pod({ namespace: ns, name: "near", node: "n1", command: sleep }),
      pod({ namespace: ns, name: "far", node: "n2", command: sleep }),
    );
    for (const target of ["near", "far"]) {
      for (const address of await cluster.addressesOf(ns, target)) {
        const family = address.includes(":") ? 6 : 4;
        await using hearing = await listen(cluster, target, family);
        const forge = (marker: string, setUp: string, undo: string, source = "") => {
          const bind = source === "" ? "" : `, LocalHost => "${source}"`;
          const send = `use IO::Socket::IP; my $s = IO::Socket::IP->new(Proto => "udp", PeerHost => "${address}", PeerPort => 7000${bind}) or die $@;
            for (1 .. 3) { syswrite $s, "${marker}\\n"; select undef, undef, undef, 0.05 }`;
          const script = `${setUp}\nperl -e '${send}'\n${undo}`;
          return cluster.kubectl("exec", "-n", ns, "forger", "--", "sh", "-ec", script);
        };
        const other = family === 4 ? "10.244.0.200" : "fd00:10:244::200";
        const flags = family === 4 ? "" : "nodad";
        await forge("honest", "true", "true");
        await hearing.heard("honest");
        await forge(
          "address",
          `ip addr add ${other} dev eth0 ${flags}`,
          `ip addr del ${other} dev eth0`,
          other,
        );
        await forge(
          "mac",
          "old=$(ip link show eth0 | sed -n 's,.*ether \\([^ ]*\\) .*,\\1,p'); ip link set eth0 address 02:00:00:00:00:99",
          "ip link set eth0 address $old",
        );
        await forge("last", "true", "true");
        await hearing.heard("last");
        assert.deepEqual([...new Set(hearing.all())], ["honest", "last"]);
      }
    }
  });
});

/** The lines of a UDP server on port 7000 of a pod. */
async function listen(cluster: Cluster, pod: string, family: 4 | 6) {
  const program = `use IO::Socket::IP; $| = 1;
    my $s = IO::Socket::IP->new(Proto => "udp", LocalHost => "${family === 4 ? "0.0.0.0" : "::"}", LocalPort => 7000, V6Only => 1, ReuseAddr => 1) or die $@;
    print "listening\\n"; while (defined recv $s, my $text, 99, 0) { print $text }`;
  const env = { ...process.env, KUBECONFIG: cluster.sandbox.kubeconfig };
  const argv = ["exec", "-n", ns, pod, "--", "perl", "-e", program];
  const child = spawn("kubectl", argv, { env, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const all = (): readonly string[] => said.split("\n").filter((line) => line !== "" && line !== "listening");
  await eventually(`${pod} listens`, () => said.includes("listening"));
  return {
    all,
    heard: (text: string) => eventually(`${pod} hears ${text}`, () => all().includes(text)),
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "exit");
      if (child.kill()) await ended;
    },
  };
}
