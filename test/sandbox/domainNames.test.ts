// Domain names in policies of the whole cluster, with a DNS server outside, a resolver, and a DNS of the cluster that asks the
// resolver first: a pod's first packet after an answer passes, nothing else does, and no address outlasts its time.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";

const root = join(import.meta.dirname, "../..");
const client = readFileSync(join(import.meta.dirname, "askAndSend.pl"), "utf8");
const ports = { cluster: 5353, resolver: 5354, outside: 5355 } as const;
const echo = 8080;
/** The least that an address counts; the outside server's time is shorter. */
const leastMs = 60_000;

suite("domain names in policies", suiteLimit, () => {
  let cluster: Cluster;
  let folder: string;
  let four: string;
  let six: string;
  let server: string;
  const running = new Map<string, ChildProcess>();

  const begin = async (name: string, argv: readonly string[], isReady: RegExp): Promise<void> => {
    const host = cluster.sandbox.host("n1");
    const [file = "", ...args] = host.command(argv);
    const child = spawn(file, args, { env: host.env, stdio: ["ignore", "pipe", "pipe"] });
    running.set(name, child);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (said += String(part)));
    await eventually(`${name} is ready: ${said}`, () => {
      assert.ok(isReady.test(said), said);
      return true;
    });
  };
  const end = async (name: string): Promise<void> => {
    const child = running.get(name);
    running.delete(name);
    if (!child || child.exitCode !== null) return;
    const ended = once(child, "exit");
    if (child.kill()) await ended;
  };
  const beginResolver = (): Promise<void> =>
    begin(
      "resolver",
      [
        ...[
          join(root, "bin/weft"),
          "resolver",
          "--kubeconfig",
          cluster.sandbox.host("n1").env["KUBECONFIG"] ?? "",
        ],
        ...["--listen", `${server}:${ports.resolver}`, "--upstream", `${server}:${ports.outside}`],
      ],
      /"answers"/,
    );
  const resolves = (zone: Readonly<Record<string, readonly string[]>>): void =>
    writeFileSync(
      join(folder, "zone.json"),
      JSON.stringify(Object.fromEntries(Object.entries(zone).map(([key, data]) => [key, { ttl: 5, data }]))),
    );

  before(async () => {
    cluster = await Cluster.up({ name: "testnames", nodes: 2 });
    folder = mkdtempSync(join(tmpdir(), "weft-names-"));
    [four = "", six = ""] = cluster.hostAddresses(cluster.beyond);
    [server = ""] = cluster.hostAddresses("n1");
    if (cluster.beyond === "outside") await cluster.serveEcho("outside", echo);
    resolves({});
    await begin(
      "outside",
      [
        process.execPath,
        join(root, "test/sandbox/zoneServer.ts"),
        server,
        String(ports.outside),
        join(folder, "zone.json"),
      ],
      /ready/,
    );
    await beginResolver();
    await begin(
      "dns",
      [
        ...[
          process.execPath,
          join(root, "sandbox/dns/main.ts"),
          "--address",
          server,
          "--port",
          String(ports.cluster),
        ],
        ...["--kubeconfig", cluster.sandbox.host("n1").env["KUBECONFIG"] ?? ""],
        ...[ports.resolver, ports.outside].flatMap((port) => ["--forward", `${server}:${port}`]),
      ],
      /answers on/,
    );
    await cluster.apply(
      namespace("shop"),
      ...["n1", "n2"].map((node) =>
        pod({ namespace: "shop", name: `web-${node}`, node, labels: { app: "web" } }),
      ),
    );
    await cluster.podsReady("shop");
  });
  after(async () => {
    for (const name of [...running.keys()].toReversed()) await end(name);
    await cluster?.[Symbol.asyncDispose]();
    if (folder) rmSync(folder, { recursive: true });
  });

  const policy = (...names: readonly string[]): object => ({
    apiVersion: "policy.networking.k8s.io/v1alpha2",
    kind: "ClusterNetworkPolicy",
    metadata: { name: "names" },
    spec: {
      tier: "Admin",
      priority: 5,
      subject: { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: "web" } } } },
      egress: [
        {
          action: "Accept",
          to: [{ nodes: {} }],
          protocols: [{ udp: { destinationPort: { number: ports.cluster } } }],
        },
        { action: "Accept", to: [{ domainNames: names }] },
        { action: "Deny", to: [{ networks: ["0.0.0.0/0", "::/0"] }] },
      ],
    },
  });
  /** What a pod gets that asks for the name and sends to its address at once. */
  const asks = async (from: string, name: string, type: "A" | "AAAA"): Promise<string> =>
    (
      await cluster.kubectl(
        ...["exec", "-n", "shop", from, "--", "perl", "-e", client],
        ...[server, String(ports.cluster), name, type, String(echo)],
      )
    ).trim();
  const reaches = async (from: string): Promise<readonly boolean[]> =>
    (
      await cluster.ask(
        `shop/${from}`,
        [four, six].map((address) => ({ way: "tcp", address, port: echo })),
        2,
      )
    ).map(({ ok }) => ok);

  test("the first packet after an answer passes, on each node, and no other address is open", async () => {
    resolves({ "www.example.test A": [four], "other.test AAAA": [six] });
    await becomes("everything is open without a policy", [true, true], () => reaches("web-n1"));
    await cluster.apply(policy("*.example.test"));
    await becomes("it is in force", true, async () =>
      (await cluster.inForce("clusternetworkpolicy", "names")).startsWith("True InForce "),
    );
    assert.deepEqual(await reaches("web-n1"), [false, false]);
    assert.equal(await asks("web-n1", "other.test", "AAAA"), `${six} closed`);
    assert.equal(await asks("web-n1", "www.example.test", "A"), `${four} open`);
    assert.deepEqual(await reaches("web-n2"), [true, false]);
  });

  test("an address is closed when its time is over, whoever leads, and its running connections go on", async () => {
    const learnt = performance.now();
    assert.equal(await asks("web-n1", "www.example.test", "A"), `${four} open`);
    const [program, args] = ["perl", ["-e", holding, four, String(echo)]];
    const talk = spawn("kubectl", ["exec", "-n", "shop", "web-n1", "--", program, ...args], {
      env: { ...process.env, KUBECONFIG: cluster.sandbox.kubeconfig },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = 0;
    talk.stdout.on("data", () => said++);
    try {
      await cluster.sandbox.processes.restart("controller");
      await eventually("the connection runs", () => said > 0);
      await eventually(
        "the address is closed",
        async () => JSON.stringify(await reaches("web-n2")) === "[false,false]",
        leastMs + 60_000,
      );
      assert.ok(performance.now() - learnt >= leastMs - 1_000, "it was closed too early");
      const before = said;
      await eventually("the connection goes on", () => said > before + 5);
      assert.deepEqual(await reaches("web-n1"), [false, false]);
    } finally {
      talk.kill();
    }
  });

  test("without a resolver names resolve, and new addresses stay closed until it is back", async () => {
    await end("resolver");
    resolves({ "six.example.test AAAA": [six] });
    assert.equal(await asks("web-n2", "six.example.test", "AAAA"), `${six} closed`);
    await beginResolver();
    await becomes("the resolver hears it", `${six} open`, () => asks("web-n2", "six.example.test", "AAAA"));
    assert.deepEqual(await reaches("web-n1"), [false, true]);
  });

  test("no answer opens the cluster's own addresses, and a policy whose names nobody hears says so", async () => {
    const [own = ""] = await cluster.addressesOf("shop", "web-n2");
    resolves({ "evil.example.test A": [own] });
    assert.equal(await asks("web-n1", "evil.example.test", "A"), `${own} closed`);
    await end("resolver");
    await cluster.apply(policy("*.example.test", "www.example.org"));
    await becomes("it says that no resolver runs", true, async () =>
      /^False NotInForce .*weft resolver.*www\.example\.org/.test(
        await cluster.inForce("clusternetworkpolicy", "names"),
      ),
    );
  });
});

/** One connection that says something every 200 ms and prints a line for each answer. */
const holding = `use IO::Socket::IP; $| = 1;
  my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1]) or die $@;
  while (1) { syswrite $s, "hostname\\n" or die; sysread $s, my $a, 99 or die; print $a; select undef, undef, undef, 0.2 }`;
