// Ports of pods on their nodes, asked from everywhere: who answers, and which client it sees. Kubernetes does not promise
// that; docs/decisions/0026-host-ports.md does.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";
import { talkUdp } from "./talk.ts";

const ns = "ports";
const everywhere = 8090;
const shared = 8091;

interface Asked {
  readonly containerPort?: number;
  readonly hostPort: number;
  readonly protocol?: "UDP";
  readonly hostIP?: string;
}

suite("host ports", suiteLimit, () => {
  let cluster: Cluster;
  let own: ReadonlyMap<string, readonly string[]>;
  /** The outside host, or in underlay mode a machine of the tenant. */
  let stranger: string;
  let isOverlay: boolean;

  const seeker = (name: string, node: string, ...ports: readonly Asked[]): object => {
    const containers = [
      { name: "main", image: "echo", ports: ports.map((port) => ({ containerPort: 8080, ...port })) },
    ];
    return pod({ namespace: ns, name, node, labels: { app: name }, spec: { containers } });
  };
  const start = async (name: string, node: string, ...ports: readonly Asked[]): Promise<void> => {
    await cluster.apply(seeker(name, node, ...ports));
    await cluster.podsReady(ns, name);
  };
  const stop = (name: string) => cluster.kubectl("delete", "pod", "-n", ns, name);
  /** Who answers, and whom it sees. */
  const heard = async (from: string, question: Question): Promise<string> => {
    const [result] = await cluster.ask(from, [question]);
    const [by, , source] = (result?.words ?? "").split(" ");
    return result?.ok ? `${by} sees ${source}` : "silence";
  };
  const hears = (from: string, way: "tcp" | "udp", address: string, port: number, expected: string) =>
    becomes(`${from} ▶ ${way} ${address} ${port}`, expected, () => heard(from, { way, address, port }));
  const eventsOf = (name: string): Promise<string> =>
    cluster.kubectl("get", "events", "-n", ns, `--field-selector=involvedObject.name=${name}`);
  const v4Of = (name: string): string => own.get(name)?.[0] ?? "";

  before(async () => {
    cluster = await Cluster.up({ name: "testhostport" });
    isOverlay = cluster.sandbox.layout.mode === "overlay";
    stranger = cluster.beyond;
    const [v4 = "", v6 = ""] = cluster.hostAddresses("n1");
    await cluster.apply(
      namespace(ns),
      seeker("any", "n1", { hostPort: everywhere }, { hostPort: everywhere, protocol: "UDP" }),
      seeker("four", "n1", { hostPort: shared, hostIP: v4 }),
      seeker("four-udp", "n1", { hostPort: shared, hostIP: v4, protocol: "UDP" }),
      seeker("six", "n1", { hostPort: shared, hostIP: v6 }),
      seeker("inside", "n1", { hostPort: shared, hostIP: "127.0.0.1" }),
      pod({ namespace: ns, name: "client-n1", node: "n1" }),
      pod({ namespace: ns, name: "client-n3", node: "n3" }),
    );
    await cluster.podsReady(ns);
    const pods = ["any", "client-n1", "client-n3"];
    own = new Map([
      ...[stranger, "n1", "n2", "n3"].map((name) => [name, cluster.hostAddresses(name)] as const),
      ...(await Promise.all(pods.map(async (name) => [name, await cluster.addressesOf(ns, name)] as const))),
    ]);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  /** Client -> as whom the pod sees it: itself, its node, or its own node's management port (m). */
  const clients = {
    stranger: "itself",
    n1: "own node",
    n2: "n2",
    "client-n1": "itself",
    "client-n3": "n3",
    any: "hairpin",
  } as const;
  for (const [client, seenAs] of Object.entries(clients))
    test(`${client} reaches a port that is open everywhere, and is seen as ${seenAs} by a pod of an overlay`, async () => {
      const name = client === "stranger" ? stranger : client;
      const from = /^(client|any)/.test(client) ? `${ns}/${client}` : name;
      const management = (await cluster.field("node", "", "n1", "{.metadata.annotations}")).match(
        /10\.244\.\d+(?=\.0)|fd00:10:244(:\d+)?(?=::\/)/g,
      );
      const seen = {
        itself: own.get(name),
        "own node": [`${management?.[0]}.2`, `${management?.[1]}::2`],
        n2: own.get("n2"),
        n3: own.get("n3"),
        hairpin: ["169.254.0.5", "fd69::5"],
      }[seenAs];
      // A machine of an underlay asks pods in its own name.
      const expected = isOverlay ? seen : own.get("n1");
      for (const [family, address] of cluster.hostAddresses("n1").entries())
        for (const way of ["tcp", "udp"] as const)
          await hears(from, way, address, everywhere, `any sees ${expected?.[family]}`);
    });

  test("pods may share a number by address and by protocol", async () => {
    const [v4 = "", v6 = ""] = cluster.hostAddresses("n1");
    const answer = async (way: "tcp" | "udp", address: string) =>
      (await heard(stranger, { way, address, port: shared })).split(" ")[0];
    await becomes("by TCP and IPv4", "four", () => answer("tcp", v4));
    await becomes("by UDP and IPv4", "four-udp", () => answer("udp", v4));
    await becomes("by TCP and IPv6", "six", () => answer("tcp", v6));
    await becomes("by UDP and IPv6", "silence", () => answer("udp", v6));
  });

  test("::1 leads the node's own processes in when they send from another address", async () => {
    const [, host = ""] = cluster.hostAddresses("n1");
    const url = `http://[::1]:${everywhere}/hostname`;
    const ask = (from: string) =>
      cluster.sandbox.host("n1").exec(["curl", "-sg", "-m", "5", "--interface", from, url]);
    assert.equal((await ask(host)).trim(), "any");
    await assert.rejects(ask("::1"), /exit status 7/);
  });

  test("127.0.0.1 leads the node's own processes in, and nobody else", async () => {
    const asked = { way: "tcp", address: "127.0.0.1", port: shared } as const;
    if (!isOverlay)
      return becomes("the pod is told that it does not", true, async () =>
        (await eventsOf("inside")).includes("loopback address in underlay mode"),
      );
    const answer = async (port: number) => (await heard("n1", { ...asked, port })).split(" ")[0];
    await becomes("there the pod answers", "inside", () => answer(shared));
    await becomes("there one answers that is open everywhere", "any", () => answer(everywhere));
    // As Kubernetes' own test asks, from the node's address.
    const [host = ""] = cluster.hostAddresses("n1");
    const url = `http://127.0.0.1:${shared}/hostname`;
    const answered = await cluster.sandbox
      .host("n1")
      .exec(["curl", "-s", "-m", "5", "--interface", host, url]);
    assert.equal(answered.trim(), "inside");
    assert.equal(await heard("n2", asked), "silence");
    // A pod that sends it to its node all the same, past its own loopback interface.
    const n1 = cluster.sandbox.host("n1");
    const packets = async (): Promise<string> => n1.exec(["nft", "list", "table", "inet", "weft"]);
    assert.match(await packets(), /127\.0\.0\.0\/8 ct direction original drop/);
    assert.equal((await n1.exec(["cat", "/proc/sys/net/ipv4/conf/weft0/route_localnet"])).trim(), "1");
    await stop("inside");
    await becomes("and nobody when it is gone", "silence", () => heard("n1", asked));
  });

  test("other nodes do not have the port", async () => {
    for (const address of cluster.hostAddresses("n2"))
      assert.equal(await heard(stranger, { way: "tcp", address, port: everywhere }), "silence");
  });

  test("whoever comes second is told whose the port is, and has it when the first is gone", async () => {
    const [address = ""] = cluster.hostAddresses("n2");
    const asked: Question = { way: "tcp", address, port: 8095 };
    const answer = async () => (await heard(stranger, asked)).split(" ")[0];
    await start("first", "n2", { hostPort: 8095 });
    await start("second", "n2", { hostPort: 8095, hostIP: "0.0.0.0" });
    await becomes("the first answers", "first", answer);
    await becomes("the second is told", true, async () =>
      /PortTaken.*host port 8095 \(TCP\) of this node leads to pod ports\/first/.test(
        await eventsOf("second"),
      ),
    );
    await stop("first");
    await becomes("the second answers", "second", answer);
    await stop("second");
    await becomes("nobody answers", "silence", answer);
  });

  test("a node port takes a pod's host port, and the pod is told; it gets it back", async () => {
    const [address = ""] = cluster.hostAddresses("n2");
    const answer = async () => (await heard(stranger, { way: "tcp", address, port: 30_095 })).split(" ")[0];
    await start("seeks", "n2", { hostPort: 30_095 });
    await becomes("the pod answers", "seeks", answer);
    await cluster.apply({
      ...{ apiVersion: "v1", kind: "Service", metadata: { namespace: ns, name: "takes" } },
      spec: {
        type: "NodePort",
        selector: { app: "any" },
        ports: [{ port: 80, targetPort: 8080, nodePort: 30_095 }],
      },
    });
    await becomes("the Service answers", "any", answer);
    await becomes("the pod is told", true, async () =>
      /PortTaken.*Service ports\/takes/.test(await eventsOf("seeks")),
    );
    await cluster.kubectl("delete", "service", "-n", ns, "takes");
    await becomes("the pod answers again", "seeks", answer);
  });

  test("an address that is not the node's leads nowhere, and the pod is told", async () => {
    await start("astray", "n2", { hostPort: 8096, hostIP: "203.0.113.7" });
    await becomes("the Event", true, async () =>
      /Malformed.*203\.0\.113\.7 is neither 127\.0\.0\.1 nor an address of node n2/.test(
        await eventsOf("astray"),
      ),
    );
  });

  test("another address of the node leads in as well, from the day that it has it", async () => {
    const n1 = cluster.sandbox.host("n1");
    const [via = ""] = cluster.hostAddresses("n1");
    await n1.exec(["ip", "link", "add", "more0", "type", "veth", "peer", "name", "more1"]);
    await n1.exec(["ip", "link", "set", "more0", "up"]);
    await n1.exec(["ip", "address", "add", "192.0.2.19/32", "dev", "more0"]);
    // Nobody else's packets for it would pass the port of a virtual machine.
    const from = isOverlay ? stranger : "n1";
    if (isOverlay) await cluster.sandbox.host(from).exec(["ip", "route", "add", "192.0.2.19", "via", via]);
    await becomes(
      "it answers",
      "any",
      async () => (await heard(from, { way: "tcp", address: "192.0.2.19", port: everywhere })).split(" ")[0],
    );
    await n1.exec(["ip", "link", "delete", "more0"]);
  });

  test("a UDP client that is older than the pod is served, and hears the node again afterwards", async () => {
    const port = 8097;
    await cluster.serveEcho("n3", port);
    await using talks = new AsyncDisposableStack();
    const older = [stranger, `${ns}/client-n3`].flatMap((client, index) =>
      cluster
        .hostAddresses("n3")
        .map((address, family) =>
          talks.use(talkUdp(cluster, client, address, port, 43_000 + 2 * index + family)),
        ),
    );
    for (const talk of older) await talk.heard("n3");
    await start("younger", "n3", { hostPort: port, protocol: "UDP" });
    for (const talk of older) await talk.heard("younger");
    await stop("younger");
    for (const talk of older) await talk.heard("n3");
  });

  test("policies see who asks from outside; in underlay mode the machine asks for all, and is let in as the pod's own node", async () => {
    const [address = ""] = cluster.hostAddresses("n1");
    const answers = async (...from: readonly string[]) => {
      const asked: Question = { way: "tcp", address, port: everywhere };
      return Promise.all(from.map(async (one) => (await heard(one, asked)) !== "silence"));
    };
    await cluster.apply({
      ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" },
      metadata: { namespace: ns, name: "outside-only" },
      spec: {
        podSelector: { matchLabels: { app: "any" } },
        ingress: [{ from: [{ ipBlock: { cidr: `${v4Of(stranger)}/32` } }] }],
      },
    });
    await becomes("the policy is in force", "silence", () =>
      heard(`${ns}/client-n3`, { way: "tcp", address: v4Of("any"), port: 8080 }),
    );
    await becomes(
      "the stranger, the node itself and the pod itself",
      isOverlay ? [true, true, true, false, false, false] : Array.from({ length: 6 }, () => true),
      () => answers(stranger, "n1", `${ns}/any`, "n2", `${ns}/client-n1`, `${ns}/client-n3`),
    );
    await cluster.kubectl("delete", "networkpolicy", "-n", ns, "outside-only");
    await eventually("all again", async () => !(await answers("n2", `${ns}/client-n1`)).includes(false));
  });
});
