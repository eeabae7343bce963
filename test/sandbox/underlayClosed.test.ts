// Open and closed ports: a pod that a NetworkPolicy selects passes no packet before its policies are in force, and a
// port that was opened for one pod is closed again before the next pod gets it. A controller that is stopped can tell
// nothing of policies, so ports stay closed.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { parseIp } from "../../src/model/ip.ts";
import { macOf } from "../../src/model/mac.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { datagram, type Identity, linkLocal } from "./frames.ts";
import { HandRuntime } from "./handRuntime.ts";
import { namespace, pod } from "./manifests.ts";
import { type PortView, poolView, portOf } from "./poolView.ts";
import { type Spoken, Wire } from "./wire.ts";

const node = "n1";
const [low, high] = [4, 5];
const rest = "1";
/** More than the pool has ready, so that some of their ports are needed again. */
const many = ["a", "b", "c", "d", "e", "f"].map((letter) => `many-${letter}`);

suite("open and closed ports", suiteLimit, () => {
  let cluster: Cluster;
  let wire: Wire;

  before(async () => {
    cluster = await Cluster.up({ name: "closed", mode: "underlay", nodes: 2 });
    await startedWith(`${node}-agent`, "--rest", rest);
    await startedWith("controller", "--pool", `${low},${high}`);
    const peers = [
      pod({ namespace: "town", name: "peer", node }),
      pod({ namespace: "town", name: "far", node: "n2" }),
    ];
    await cluster.apply(namespace("town"), policy(), ...peers);
    await cluster.podsReady("town");
    // If its agent does not know the policies in time, a pod has a closed port, which the controller opens.
    for (const name of ["peer", "far"]) {
      const questions = await to8080(name);
      await becomes(`${name} is reached`, [], () => cluster.failures("vm", questions));
    }
    await cluster.sandbox.processes.stop("controller");
    await cluster.apply(guarded("first"));
    await cluster.podsReady("town");
    wire = new Wire(cluster);
    for (const place of ["town/peer", "town/far", "town/first", "vm"]) await wire.listen(place);
  });
  after(async () => {
    await wire?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test("pods that nothing selects reach others and are reached", async () => {
    for (const [from, to] of [
      ["vm", "peer"],
      ["town/peer", "far"],
      ["town/far", "peer"],
    ] as const) {
      const questions = await to8080(to);
      await becomes(`${from} reaches ${to}`, [], () => cluster.failures(from, questions));
    }
  });

  test("no packet passes the port of a pod that a NetworkPolicy selects, in or out", async () => {
    assert.equal((await portOf(cluster, "town", "first")).kind, "closed");
    const questions = await to8080("first");
    const tried = ["vm", "machine", "town/peer", "town/far"].map((from) => cluster.failures(from, questions));
    assert.deepEqual(
      (await Promise.all(tried)).map(({ length }) => length),
      [2, 2, 2, 2],
    );

    const [first, peer, far] = await Promise.all([portAt("first"), portAt("peer"), portAt("far")]);
    const proof = { from: "town/peer", to: "town/far", spoken: greeting(peer, across(peer, far)) };
    const out = [...direct(first, peer), greeting(first, across(first, far)), toAll(first)];
    assert.deepEqual(await wire.overheard("town/first", out, proof), []);
    assert.deepEqual(await wire.overheard("town/peer", direct(peer, first), proof), []);
    const inward = [greeting(far, across(far, first))];
    const answered = { from: "town/far", to: "town/peer", spoken: greeting(far, across(far, peer)) };
    assert.deepEqual(await wire.overheard("town/far", inward, answered), []);
  });

  test("a closed port opens when its pod's policies are in force, and passes what they allow", async () => {
    await cluster.sandbox.processes.start("controller");
    const questions = await to8080("first");
    for (const from of ["town/peer", "town/far", node])
      await becomes(`first is reached from ${from}`, [], () => cluster.failures(from, questions));
    for (const from of ["vm", "machine", "n2"])
      assert.equal((await cluster.failures(from, questions)).length, questions.length, from);
    const [first, peer] = await Promise.all([portAt("first"), portAt("peer")]);
    const far = await portAt("far");
    const proof = { from: "town/peer", to: "town/far", spoken: greeting(peer, across(peer, far)) };
    const out = [...direct(first, peer), greeting(first, across(first, far))];
    assert.deepEqual(await wire.overheard("town/first", out, proof), []);
  });

  test("it stays open when nothing selects its pod any more", async () => {
    await cluster.kubectl("delete", "networkpolicy", "-n", "town", "guards");
    const questions = await to8080("first");
    for (const from of ["vm", "machine", "town/peer", "town/far"])
      await becomes(`first is reached from ${from}`, [], () => cluster.failures(from, questions));
    const [first, peer] = await Promise.all([portAt("first"), portAt("peer")]);
    for (const spoken of [...direct(first, peer), toAll(first)])
      await wire.expectHeard({ from: "town/first", to: "town/peer", spoken });
    assert.equal(first.kind, "closed", "it is still one of those that are closed for the next pod");
  });

  test("only an agent that has been told of a pod gives it an open port", async () => {
    await using runtime = new HandRuntime(cluster.sandbox);
    const unknown = await runtime.start({ node, namespace: "town", name: "unknown", uid: "none" });
    const { offer, portAt: at } = await poolView(cluster, node);
    const port = offer.closed.map(at).find(({ identity }) => identity[4] === unknown.addresses[0]);
    assert.ok(port, "it has a closed one");
    const peer = (await to8080("peer"))[0] ?? assert.fail();
    assert.equal((await runtime.failures(unknown, [peer])).length, 1);
    await runtime.stop(unknown);
  });

  test("a port that was opened for a pod is closed, withdrawn and offered anew before another has it", async () => {
    const used = await eventually("a port is offered a second time", async () => {
      await cluster.apply(policy(), ...many.map(guarded));
      await cluster.podsReady("town");
      const ports = await Promise.all(many.map(portAt));
      // If the controller withdraws a port before it knows of the claim, the pod keeps it, and it stays closed.
      assert.ok(
        ports.every(({ kind }) => kind !== "open"),
        JSON.stringify(ports),
      );
      const questions = (await Promise.all(many.map(to8080))).flat();
      await becomes("all of them are opened", [], () => cluster.failures("town/far", questions));
      await cluster.kubectl("delete", "pod", "-n", "town", ...many);
      await becomes("nothing is withdrawn or spent", [[], []], async () => {
        const { offer, seen } = await poolView(cluster, node);
        return [offer.withdrawn, seen.spent];
      });
      const { offer, portAt: at } = await poolView(cluster, node);
      const anew = offer.closed.map(at);
      return ports.find(({ offset }) => anew.some((port) => port.offset === offset));
    });
    await cluster.sandbox.processes.stop("controller");
    const some = many.slice(0, low - 1);
    await cluster.apply(...some.map(guarded));
    await cluster.podsReady("town");
    const ports = await Promise.all(some.map(async (name) => [name, await portAt(name)] as const));
    const [next] = ports.find(([, { offset }]) => offset === used.offset) ?? assert.fail("nobody has it");
    const questions = await to8080(next);
    assert.equal((await cluster.failures("town/far", questions)).length, questions.length);
    await cluster.sandbox.processes.start("controller");
    await becomes("the next pod is reached", [], () => cluster.failures("town/far", questions));
  });

  test("nothing is left of the ports that pods had", async () => {
    await cluster.kubectl("delete", "pod", "-n", "town", "-l", "guarded=yes");
    await becomes("the pool is as large as it was", true, async () => {
      const { offer } = await poolView(cluster, node);
      const rows = await cluster.rows("Logical_Switch_Port", "name", `parent_name=${parent()}`);
      const id = cluster.sandbox.layout.name;
      const queue = await cluster.sandbox
        .host(node)
        .exec(["ovs-vsctl", "--bare", "--columns=_uuid", "find", "Queue", `external_ids:weft.io/pool=${id}`]);
      const ports = offer.open.length + offer.closed.length;
      assert.deepEqual(
        [offer.withdrawn, rows.length, queue.split("\n").filter(Boolean).length],
        [[], ports, ports],
      );
      return ports <= 2 * high + 1;
    });
  });

  const portAt = (name: string): Promise<PortView> => portOf(cluster, "town", name);

  const to8080 = async (name: string): Promise<readonly Question[]> =>
    (await cluster.addressesOf("town", name)).map((address) => ({ way: "tcp", address, port: 8080 }));

  const parent = (): string => {
    const vif = cluster.sandbox.layout.tenant?.vifs.find(({ host }) => host.name === node);
    return vif?.logicalPort ?? assert.fail(node);
  };

  async function startedWith(name: string, ...more: readonly string[]): Promise<void> {
    const { processes } = cluster.sandbox;
    const record = processes.record(name);
    await processes.stop(name);
    await processes.launch({ ...record, argv: [...record.argv, ...more] });
  }
});

const labels = { guarded: "yes" };

const guarded = (name: string): object => pod({ namespace: "town", name, node, labels });

/** All pods may come in, and nothing may go out. */
const policy = (): object => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { namespace: "town", name: "guards" },
  spec: {
    podSelector: { matchLabels: labels },
    policyTypes: ["Ingress", "Egress"],
    ingress: [{ from: [{ namespaceSelector: {} }] }],
  },
});

const greeting = ({ identity }: PortView, to: Identity): Spoken => ({
  what: `${identity[4]} to ${to[4]}`,
  frame: (mark) => datagram(4, identity, to, mark),
});

/** On the switch that both are on, including link-local addresses. */
const direct = ({ identity: from }: PortView, { identity: to }: PortView): readonly Spoken[] => [
  { what: "IPv4", frame: (mark) => datagram(4, from, to, mark) },
  { what: "IPv6", frame: (mark) => datagram(6, from, to, mark) },
  {
    what: "IPv6, link-local",
    frame: (mark) => datagram(6, { ...from, 6: linkLocal(from.mac) }, { ...to, 6: linkLocal(to.mac) }, mark),
  },
];

/** What a neighbour hears without being addressed. */
const toAll = ({ identity: from }: PortView): Spoken => ({
  what: "link-local, to all",
  frame: (mark) =>
    datagram(
      6,
      { ...from, 6: linkLocal(from.mac) },
      { mac: "33:33:00:00:00:01", 4: "224.0.0.1", 6: "ff02::1" },
      mark,
    ),
});

/** The far end as seen through the router. */
const across = ({ identity }: PortView, { identity: to }: PortView): Identity => {
  const gateway = parseIp(identity[4].replace(/\d+$/, "1"));
  return { ...to, mac: macOf(gateway ?? assert.fail()) };
};
