// Never a packet too early: pods that policies are about are born while others send to their addresses, and while they
// themselves send from their first moment on. Not one packet that a policy forbids arrives, also when controllers are
// killed meanwhile. WEFT_BIRTHS says how many pods.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { nodeSubnetsOf, poolOfferOf } from "../../src/kube/annotations.ts";
import { formatIp } from "../../src/model/ip.ts";
import { annotations } from "../../src/model/names.ts";
import { podNetworkAt } from "../../src/model/network.ts";
import { becomes, Cluster, eventually, networkUnderTest, type Question } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";

const births = Number(process.env["WEFT_BIRTHS"] ?? 12);
const nodes = ["n1", "n2"] as const;
type NodeName = (typeof nodes)[number];
const other: Readonly<Record<NodeName, NodeName>> = { n1: "n2", n2: "n1" };
/** A pod with an assigned address does not wait for other nodes (docs/policies.md). */
const waitsForOthers = networkUnderTest() !== "assigned";
/**
 * Selected by a NetworkPolicy, the subject of a policy of the cluster, with a security profile, and named by a policy whose subjects
 * are others.
 */
const bonds = ["isolated", "subject", "profiled", ...(waitsForOthers ? ["named"] : [])];
/** With one that asks for a profile which does not exist. Fewer than a pool has ready of each kind. */
const perRound = bonds.length + 1;
const program = join(import.meta.dirname, "hammer.pl");
const echo = join(import.meta.dirname, "../../sandbox/echo/echo.pl");
const port = { sent: 9001, spoken: 9002 };
const intervalMs = 5;
/** Of a node's subnets: before it are the router and the node. */
const firstPlace = 3;
/** Much shorter than a pod waits for other nodes. */
const silenceMs = 1_500;

suite("births under a policy", { timeout: 300_000 + births * 5_000 }, () => {
  let cluster: Cluster;
  const children: ChildProcess[] = [];
  const hammers = new Map<NodeName, ChildProcess>();
  /** What the strangers hear. */
  let heard = "";
  let ears: readonly string[] = [];
  /** The next place that a node gives out by itself. */
  const next = { n1: firstPlace, n2: firstPlace };

  before(async () => {
    cluster = await Cluster.up({ name: "testbirths", nodes: 2 });
    const friend = pod({
      ...{ namespace: "shop", name: "friend", node: "n1", labels: { role: "friend" } },
      annotations: { [annotations.securityProfiles]: "friends" },
    });
    const shop = { ...namespace("shop"), metadata: { name: "shop", labels: { team: "sales" } } };
    await cluster.apply(shop, profile("friends", {}), friend, ...nodes.map((node) => stranger(node)));
    await cluster.podsReady("shop");
    ears = (await Promise.all(nodes.map((node) => cluster.addressesOf("shop", `stranger-${node}`)))).flat();
    for (const node of nodes) {
      const ear = inStranger(node, "hear", String(port.spoken));
      ear.stdout?.on("data", (chunk: Buffer) => (heard += chunk.toString()));
      await eventually(`the stranger on ${node} listens`, () => heard.includes("listens"));
      heard = "";
      hammers.set(node, inStranger(node, "send", String(port.sent), String(intervalMs)));
    }
  });
  after(async () => {
    for (const child of children) {
      const ended = once(child, "exit");
      if (child.exitCode === null && child.kill()) await ended;
    }
    await cluster?.[Symbol.asyncDispose]();
  });

  for (let round = 0; round * perRound * nodes.length < births; round++)
    test(`not one forbidden packet in round ${round}${round % 2 === 1 ? ", in which the controller is killed" : ""}`, async () => {
      const of = (kind: string): readonly (readonly [string, NodeName, string])[] =>
        nodes.map((node) => [`${kind}-${round}-${node}`, node, kind]);
      const born = bonds.flatMap(of);
      const plain = of("plain");
      const refused = of("refused");
      for (const node of nodes)
        hammers.get(other[node])?.stdin?.write(`${(await candidates(node)).join(" ")}\n`);
      const applied = cluster.apply(
        ...policies(round),
        ...born.map(([name, node, bond]) => newborn(name, node, { [bond]: String(round) })),
        ...plain.map(([name, node]) => newborn(name, node, {})),
        ...refused.map(([name, node]) => newborn(name, node, { profiled: "never" })),
      );
      if (round % 2 === 1) await cluster.sandbox.processes.restart("controller");
      await applied;
      await cluster.podsReady("shop");
      for (const [name, node] of [...born, ...plain]) {
        const served = await servedBy(name);
        for (const from of ["shop/friend", node])
          await becomes(`${from} reaches ${name}`, [], () => cluster.failures(from, served));
      }
      for (const [name] of born) await reachesFriend(name);
      // Pods that no policy selects show that all of this could have arrived.
      for (const [name] of plain)
        await eventually(
          `${name} is hammered and heard`,
          async () => (await received(name)).every((count) => count > 0) && heard.includes(`${name}\n`),
        );
      for (const [name, node] of refused) {
        const served = await servedBy(name);
        await becomes(`${node} reaches ${name}`, [], () => cluster.failures(node, served));
        assert.ok((await cluster.failures("shop/friend", served)).length === served.length, name);
      }
      for (const [name] of [...born, ...refused]) {
        assert.deepEqual(await received(name), [0, 0], name);
        assert.ok(!heard.includes(`${name}\n`), `${name} was heard`);
      }
      await cluster.kubectl("delete", "pod,networkpolicy", "-n", "shop", "-l", "round");
      await cluster.kubectl("delete", "clusternetworkpolicy,securityprofile", "-l", "round");
    });

  if (waitsForOthers)
    test("a pod is silent until the other node, which has to drop its packets, knows it", async () => {
      const { processes } = cluster.sandbox;
      const far = `${cluster.chassis[1]}-ovn-controller`;
      const name = "named-late";
      await cluster.apply(...policies("late"));
      const events = ["events", "-A", `--field-selector=involvedObject.name=${name},reason=InForce`];
      await eventually(
        "the policy is in force",
        async () => await cluster.kubectl("get", ...events, "-o", "name"),
      );
      await processes.pause(far);
      try {
        await cluster.apply(newborn(name, "n1", { named: "late" }));
        await cluster.podsReady("shop", name);
        await delay(silenceMs);
        assert.ok(!heard.includes(`${name}\n`), "it was heard before");
      } finally {
        await processes.resume(far);
      }
      await reachesFriend(name);
      assert.ok(!heard.includes(`${name}\n`), "it was heard afterwards");
    });

  const servedBy = async (name: string): Promise<readonly Question[]> =>
    (await cluster.addressesOf("shop", name)).map((address) => ({ way: "tcp", address, port: 8080 }));

  /** All addresses that the node's next pods may get. */
  async function candidates(node: NodeName): Promise<readonly string[]> {
    const metadata: { readonly annotations: Readonly<Record<string, string>> } = JSON.parse(
      await cluster.field("node", "", node, "{.metadata}"),
    );
    const offer = poolOfferOf(metadata);
    const offsets = offer
      ? [...offer.open, ...offer.closed, ...offer.withdrawn].map(({ offset }) => offset)
      : // A controller that starts meanwhile begins with the first ones again.
        [next[node], firstPlace].flatMap((first) =>
          Array.from({ length: 4 * perRound + 4 }, (_, index) => first + index),
        );
    next[node] += perRound + 1;
    const subnets = nodeSubnetsOf(metadata) ?? assert.fail(node);
    return offsets.flatMap((offset) => podNetworkAt(subnets, offset).addresses.map(({ ip }) => formatIp(ip)));
  }

  async function reachesFriend(name: string): Promise<void> {
    const asked = (await cluster.addressesOf("shop", "friend")).map(
      (address) => ({ way: "tcp", address, port: 8080 }) as const,
    );
    await becomes(`${name} reaches its friend`, [], () => cluster.failures(`shop/${name}`, asked));
  }

  /** How many datagrams, of each family, have come to the pod since its network began: nobody there listens for any. */
  async function received(name: string): Promise<readonly number[]> {
    const text = await cluster.kubectl(
      "exec",
      "-n",
      "shop",
      name,
      "--",
      "cat",
      "/proc/net/snmp",
      "/proc/net/snmp6",
    );
    const [, four] = /^Udp: [A-Z].*\nUdp: \d+ (\d+)/m.exec(text) ?? assert.fail(text);
    const [, six] = /^Udp6NoPorts\s+(\d+)/m.exec(text) ?? assert.fail(text);
    return [Number(four), Number(six)];
  }

  function inStranger(node: NodeName, ...words: readonly string[]): ChildProcess {
    const argv = ["exec", "-i", "-n", "shop", `stranger-${node}`, "--", "perl", program, ...words];
    const env = { ...process.env, KUBECONFIG: cluster.sandbox.kubeconfig };
    const child = spawn("kubectl", argv, { env, stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    return child;
  }

  const stranger = (node: NodeName): object =>
    pod({ namespace: "shop", name: `stranger-${node}`, node, labels: { role: "stranger" } });

  /** It speaks to the strangers from its first moment on, and serves its friend. */
  const newborn = (name: string, node: NodeName, labels: Readonly<Record<string, string>>): object =>
    pod({
      namespace: "shop",
      name,
      node,
      labels: { round: "any", ...labels },
      ...(labels["profiled"] && {
        annotations: { [annotations.securityProfiles]: `round-${labels["profiled"]}` },
      }),
      command: [
        "sh",
        "-c",
        `perl ${program} speak ${port.spoken} ${name} ${ears.join(" ")} & exec perl ${echo}`,
      ],
    });

  const profile = (name: string, rules: object): object => ({
    apiVersion: "weft.io/v1alpha1",
    kind: "SecurityProfile",
    metadata: { name },
    spec: { namespaceSelector: { matchLabels: { team: "sales" } }, ...rules },
  });

  function policies(round: number | "late"): readonly object[] {
    const friends = [{ podSelector: { matchLabels: { role: "friend" } } }];
    const labels = { round: "any" };
    const isolating = {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { namespace: "shop", name: `round-${round}`, labels },
      spec: {
        podSelector: { matchLabels: { isolated: String(round) } },
        policyTypes: ["Ingress", "Egress"],
        ingress: [{ from: friends }],
        egress: [{ to: friends }],
      },
    };
    const podsOf = (matchLabels: Readonly<Record<string, string>>): object => ({
      pods: {
        namespaceSelector: { matchLabels: { team: "sales" } },
        podSelector: { matchLabels },
      },
    });
    const strangers = podsOf({ role: "stranger" });
    const closing = (bond: string, subject: object, others: object): object => ({
      apiVersion: "policy.networking.k8s.io/v1alpha2",
      kind: "ClusterNetworkPolicy",
      metadata: { name: `${bond}-${round}`, labels },
      spec: {
        tier: "Admin",
        priority: 1,
        subject,
        ingress: [{ action: "Deny", from: [others] }],
        egress: [{ action: "Deny", to: [others] }],
      },
    });
    const rules = { profiles: ["friends"] };
    const profiled = profile(`round-${round}`, {
      ingress: [{ action: "Allow", from: rules }],
      egress: [{ action: "Allow", to: rules }],
    });
    return [
      isolating,
      { ...profiled, metadata: { name: `round-${round}`, labels } },
      closing("subject", podsOf({ subject: String(round) }), strangers),
      closing("named", strangers, podsOf({ named: String(round) })),
    ];
  }
});
