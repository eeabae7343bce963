// The cloud of underlay mode, without Weft: what OVN does with nested ports, a physical machine and the addresses of
// Services, with rows made here by hand as Weft should make them; and two tenants with equal addresses.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Question } from "../../sandbox/demo/probe.ts";
import { plainAddress } from "../../sandbox/host.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { exitCodeOf, statusOf } from "../../sandbox/status.ts";
import { upSandbox } from "../../sandbox/up.ts";
import { privateName } from "../real/privateName.ts";
import { eventually } from "./cluster.ts";
import {
  addPodSwitch,
  ask,
  echoPort,
  fromPod,
  type NestedPod,
  nestedPod,
  plugPod,
  podSwitch,
} from "./nestedPods.ts";
import { moveNode } from "./virtualMachines.ts";

const cloud = {
  name: privateName("one"),
  mode: "underlay",
  nodes: 3,
  parts: "ovn",
} as const;
const guest = { ...cloud, name: privateName("two"), nodes: 2, cloud: cloud.name };
const limit = { timeout: 120_000 };

/** n1 and n3 are on one hypervisor, n2 is on the other. */
const first = nestedPod(1, 5);
const beside = nestedPod(1, 6);
const [far, third] = [nestedPod(2, 5), nestedPod(3, 5)];
const pods = [first, beside, far, third];
/** What the second tenant has too. */
const common = [first, beside, far];

const others = ["vm", "machine"];
const nodes = ["n1", "n2", "n3"];

suite("a cloud with nested ports and two tenants", limit, () => {
  let one: Sandbox;
  let two: Sandbox;

  before(async () => {
    one = await upSandbox(cloud);
    two = await upSandbox(guest);
    for (const [sandbox, there] of [
      [one, pods],
      [two, common],
    ] as const) {
      for (const node of new Set(there.map(({ node }) => Number(node.slice(1)))))
        await addPodSwitch(sandbox, node);
      for (const pod of there) await plugPod(sandbox, pod);
    }
  });
  after(async () => {
    await two?.down();
    await one?.down();
  });

  /** Who answers each question, and which client it has seen: `p1-5 one 10.244.1.5`. */
  const seen = async (sandbox: Sandbox, from: NestedPod | string, questions: readonly Question[]) =>
    (await ask(sandbox, from, questions)).map(({ words }) => words.split(" ").slice(0, 3).join(" "));

  /** What `seen` returns when nothing on the way translates addresses. */
  const untranslated = (sandbox: Sandbox, from: NestedPod | string, to: readonly (NestedPod | string)[]) =>
    to.flatMap((target) => {
      const own = addressesOf(sandbox, from);
      const name = typeof target === "string" ? target : target.name;
      return own.map((address) => `${name} ${sandbox.layout.name} ${address}`);
    });

  const all = (sandbox: Sandbox, there: readonly NestedPod[]) =>
    ([...there, ...others] as const).map(
      (from) => [sandbox, from, [...there, ...others].filter((to) => to !== from)] as const,
    );

  test("pods, a VM and a physical machine reach each other at their own addresses in both families", async () => {
    for (const [sandbox, from, to] of all(one, pods)) {
      const questions = to.flatMap((target) => addressesOf(sandbox, target).map(tcp));
      assert.deepEqual(await seen(sandbox, from, questions), untranslated(sandbox, from, to));
    }
  });

  test("every node reaches pods on it and elsewhere, and they reach it", async () => {
    for (const node of nodes) {
      const questions = pods.flatMap((target) => addressesOf(one, target).map(tcp));
      assert.deepEqual(await seen(one, node, questions), untranslated(one, node, pods));
    }
    const pings = nodes.flatMap((node) => addressesOf(one, node).map(ping));
    for (const pod of pods)
      assert.ok(
        (await ask(one, pod, pings)).every(({ ok }) => ok),
        pod.name,
      );
  });

  test("a balancer group on the switches of pods, VMs and machines serves all of them, nodes and hairpins too", async () => {
    const [v4, v6] = [0, 1].map((index) => pods.map((pod) => addressesOf(one, pod)[index] ?? ""));
    const virtual = ["10.96.0.10", "fd00:10:96::10"];
    await addBalancers(one, { tcp: [virtual, v4 ?? [], v6 ?? []], udp: [virtual, v4 ?? [], v6 ?? []] });
    const questions = virtual.flatMap((address) => [
      ...Array.from({ length: 8 }, (): Question => ({ way: "tcp", address, port: 80 })),
      { way: "udp", address, port: 80 } as const,
    ]);
    const names = new Set<string>();
    for (const from of [...pods, ...nodes, ...others]) {
      const results = await ask(one, from, questions);
      assert.deepEqual(
        results.filter(({ ok }) => !ok),
        [],
        `from ${typeof from === "string" ? from : from.name}`,
      );
      for (const { words } of results) names.add(words.split(" ")[0] ?? "");
    }
    assert.deepEqual([...names].toSorted(), pods.map(({ name }) => name).toSorted());
  });

  test("two tenants with equal addresses each reach their own and never the other's", async () => {
    for (const [sandbox, from, to] of all(two, common)) {
      const questions = to.flatMap((target) => addressesOf(sandbox, target).map(tcp));
      assert.deepEqual(await seen(sandbox, from, questions), untranslated(sandbox, from, to));
    }
    const pings = addressesOf(one, third).map(ping);
    const received = await echoRequests(one, third);
    const answers = await Promise.all([...common, ...others, "n1"].map((from) => ask(two, from, pings)));
    assert.ok(answers.flat().every(({ ok }) => !ok));
    assert.deepEqual(await echoRequests(one, third), received);
    await ask(one, "vm", pings);
    assert.notDeepEqual(await echoRequests(one, third), received);
  });

  test("a node that moves to the other hypervisor takes its pods along", async () => {
    const questions = [first, beside].flatMap((target) => addressesOf(one, target).map(tcp));
    for (const [from, to] of [
      ["h1", "h2"],
      ["h2", "h1"],
    ] as const) {
      await moveNode(one, "n1", from, to);
      for (const asker of [far, "machine", "vm"])
        assert.deepEqual(await seen(one, asker, questions), untranslated(one, asker, [first, beside]), to);
    }
  });

  test("up again starts what has died and changes nothing of the network", async () => {
    const shown = await northbound(one, "show");
    await one.processes.kill("n2-vswitchd", "SIGKILL");
    const pids = () => statusOf(two).processes.map(({ pid }) => pid);
    const earlier = pids();
    await upSandbox(cloud);
    await upSandbox(guest);
    assert.equal(exitCodeOf(statusOf(one)), 0);
    assert.deepEqual(pids(), earlier);
    assert.equal(await northbound(one, "show"), shown);
  });

  test("a cloud stays while it has a guest, and a guest that goes leaves nothing in it", async () => {
    await assert.rejects(
      one.down(),
      new RegExp(`${guest.name} still runs in its cloud.*--name ${guest.name}`),
    );
    await assert.rejects(
      upSandbox({ ...guest, name: privateName("three") }),
      new RegExp(`--vlan 101: the machines of sandbox ${guest.name} have it`),
    );
    const ports = (): Promise<string[]> =>
      Promise.all(["h1", "h2"].map((name) => one.host(name).exec(["ovs-vsctl", "list-ports", "br-int"])));
    assert.match((await ports()).join(), new RegExp(guest.name));
    await moveNode(two, "n1", "h1", "h2");
    // Its pods' switches are not the sandbox's, so it cannot know them.
    for (const node of ["n1", "n2"]) await northbound(two, "ls-del", podSwitch(two, node));
    await two.down();
    await eventually("its ports are gone", async () => !(await ports()).join().includes(guest.name));
    assert.doesNotMatch(await northbound(one, "show"), new RegExp(guest.name));
    const questions = [far, third].flatMap((target) => addressesOf(one, target).map(tcp));
    assert.deepEqual(await seen(one, "machine", questions), untranslated(one, "machine", [far, third]));
  });
});

const tcp = (address: string): Question => ({ way: "tcp", address, port: echoPort });
const ping = (address: string): Question => ({ way: "icmp", address, port: 0 });

const addressesOf = (sandbox: Sandbox, from: NestedPod | string): readonly string[] =>
  (typeof from === "string" ? sandbox.host(from).host : from).addresses.map(plainAddress);

const northbound = (sandbox: Sandbox, ...args: readonly string[]): Promise<string> =>
  sandbox.central.exec(["ovn-nbctl", ...args]);

type Balanced = readonly [virtual: readonly string[], v4: readonly string[], v6: readonly string[]];

/** One balancer for each protocol, in a group that all the tenant's switches apply. The router has none. */
async function addBalancers(
  sandbox: Sandbox,
  protocols: Readonly<Record<"tcp" | "udp", Balanced>>,
): Promise<void> {
  const { name, tenant } = sandbox.layout;
  const group = (await northbound(sandbox, "create", "Load_Balancer_Group", `name=${name}-services`)).trim();
  for (const [protocol, [[v4 = "", v6 = ""], targets4, targets6]] of Object.entries(protocols)) {
    const balancer = `${name}-${protocol}`;
    const to4 = targets4.map((address) => `${address}:${echoPort}`).join();
    const to6 = targets6.map((address) => `[${address}]:${echoPort}`).join();
    await northbound(sandbox, "lb-add", balancer, `${v4}:80`, to4, protocol);
    await northbound(sandbox, "lb-add", balancer, `[${v6}]:80`, to6, protocol);
    const hairpin = 'options:hairpin_snat_ip="169.254.169.5 fd69::5"';
    await northbound(sandbox, "set", "Load_Balancer", balancer, hairpin);
    const found = await northbound(
      sandbox,
      "--bare",
      "--columns=_uuid",
      "find",
      "Load_Balancer",
      `name=${balancer}`,
    );
    await northbound(sandbox, "add", "Load_Balancer_Group", group, "load_balancer", found.trim());
  }
  const switches = [
    ...nodes.map((node) => podSwitch(sandbox, node)),
    ...(tenant ? [tenant.vms.switch, tenant.machines.switch] : []),
  ];
  for (const each of switches)
    await northbound(sandbox, "add", "Logical_Switch", each, "load_balancer_group", group);
  await northbound(sandbox, "--wait=hv", "--timeout=20", "sync");
}

/** How many pings a pod has received, by family. */
async function echoRequests(sandbox: Sandbox, pod: NestedPod): Promise<readonly string[]> {
  const counters = "awk '/^Icmp6InEchos /{print $2} /^Icmp:/{print $10}' /proc/net/snmp /proc/net/snmp6";
  return (await fromPod(sandbox, pod, ["sh", "-c", counters])).trim().split("\n");
}
