// Addresses of balancers that nodes announce on their own network: a machine there needs no route. It asks who has the address, and
// one node answers; when that one may not or cannot any more, another one does, and tells.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { parseIp } from "../../src/model/ip.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";

const ns = "front";
const ports = (["TCP", "UDP"] as const).map((protocol) => ({
  ...{ name: protocol.toLowerCase(), protocol, port: 80, targetPort: 8080 },
}));
const frames = readFileSync(join(import.meta.dirname, "frames.pl"), "utf8");
const excluded = "node.kubernetes.io/exclude-from-external-load-balancers";

suite("addresses that nodes announce", suiteLimit, () => {
  let cluster: Cluster;

  const pool = (name: string, addresses: readonly string[], more: object = {}): object => ({
    ...{ apiVersion: "weft.io/v1alpha1", kind: "IPAddressPool", metadata: { name } },
    spec: { addresses, ...more },
  });
  const near = (): object =>
    pool("near", ["172.30.0.200-172.30.0.220", "fd00:172:30::200-fd00:172:30::220"], {
      autoAssign: false,
      l2Advertisement: {},
    });
  const expose = (name: string, app: string, spec: object = {}, from = "near") =>
    cluster.apply({
      ...{ apiVersion: "v1", kind: "Service" },
      metadata: { namespace: ns, name, annotations: { "weft.io/address-pool": from } },
      spec: {
        ...{ type: "LoadBalancer", allocateLoadBalancerNodePorts: false },
        ...{ ipFamilyPolicy: "PreferDualStack", selector: { app }, ports, ...spec },
      },
    });
  const given = (name: string): Promise<readonly string[]> =>
    eventually(`${name} has two addresses`, async () => {
      const path = "{.status.loadBalancer.ingress[*].ip}";
      const ips = (await cluster.field("service", ns, name, path)).split(" ").filter(Boolean);
      return ips.length === 2 && ips;
    });
  /** address -> the node that announces it, as the Service's status says */
  const announcers = async (name: string): Promise<ReadonlyMap<string, string>> => {
    const path = '{.status.conditions[?(@.type=="weft.io/Announced")].message}';
    const message = await cluster.field("service", ns, name, path);
    return new Map(
      message
        .split(", ")
        .filter(Boolean)
        .map((part): [string, string] => {
          const [ip = "", , node = ""] = part.split(" ");
          return [ip, node];
        }),
    );
  };
  const announcedBy = (name: string, node: string): Promise<void> =>
    becomes(`${name} is announced by ${node}`, [node, node], async () => [
      ...(await announcers(name)).values(),
    ]);
  const eventsOf = (name: string): Promise<string> =>
    cluster.kubectl("get", "events", "-n", ns, `--field-selector=involvedObject.name=${name}`);
  const asks = (address: string, way: Question["way"] = "tcp"): Question => ({ way, address, port: 80 });
  const macOf = async (node: string): Promise<string> =>
    /link\/ether (\S+)/.exec(await cluster.sandbox.host(node).exec(["ip", "link", "show", "br-ex"]))?.[1] ??
    "";
  const outside = (...argv: readonly string[]): Promise<string> => cluster.sandbox.outside.exec(argv);
  /** The MAC that the outside host knows for the address. */
  const neighbour = async (ip: string): Promise<string> =>
    / lladdr (\S+)/.exec(await outside("ip", "neighbour", "show", ip, "dev", "eth0"))?.[1] ?? "";

  /** Forgets who has the address and asks it: every MAC from which an answer to the search for it comes. */
  async function answeringMacs(ip: string): Promise<readonly string[]> {
    const [file = "", ...args] = cluster.sandbox.outside.command(["perl", "-e", frames, "hear", "eth0"]);
    const ear = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    let heard = "";
    await once(ear.stdout, "data");
    ear.stdout.on("data", (chunk: Buffer) => (heard += chunk.toString()));
    await outside("ip", "neighbour", "flush", "to", ip, "dev", "eth0");
    await cluster.answering("outside", asks(ip));
    const ended = once(ear, "exit");
    ear.kill();
    await ended;
    const answers = heard.split("\n").flatMap((line) => senderOf(Buffer.from(line, "hex"), ip) ?? []);
    return [...new Set(answers)];
  }

  before(async () => {
    cluster = await Cluster.up({ name: "testannounce", mode: "overlay" });
    // The API server is on n1, so n1 has to live.
    await cluster.kubectl("label", "node", "n1", `${excluded}=`);
    await cluster.apply(
      namespace(ns),
      near(),
      pool("silent", ["172.30.0.230-172.30.0.240", "fd00:172:30::230-fd00:172:30::240"], {
        autoAssign: false,
      }),
      pod({ namespace: ns, name: "steady", node: "n1", labels: { app: "steady" } }),
      pod({ namespace: ns, name: "kept-n2", node: "n2", labels: { app: "kept" } }),
    );
    await cluster.podsReady(ns);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("a machine on the nodes' network reaches an address without a route, and one node answers for it", async () => {
    await expose("any", "steady");
    const ips = await given("any");
    for (const ip of ips) {
      for (const way of ["tcp", "udp"] as const)
        await becomes(`outside ▶ ${way} ${ip}`, ["steady"], () =>
          cluster.answering("outside", asks(ip, way)),
        );
      const node = (await announcers("any")).get(ip) ?? "";
      assert.match(node, /^n[23]$/);
      assert.deepEqual(await answeringMacs(ip), [await macOf(node)]);
      await becomes(`an Event says that ${node} announces ${ip}`, true, async () =>
        (await eventsOf("any")).includes(`${ip} by ${node}`),
      );
    }
  });

  test("a pool that a node's address makes unusable, or that is deleted, takes no announced address away", async () => {
    const before = await announcers("any");
    assert.equal(before.size, 2);
    const stays = async (): Promise<void> => {
      await cluster.kubectl("annotate", "service", "-n", ns, "any", "--overwrite", `now=${Date.now()}`);
      await expose("late", "steady");
      await becomes("nobody gets an address", true, async () =>
        (await cluster.messagesOf("late", "NoAddress")).includes("usable IPAddressPool"),
      );
      assert.deepEqual(await announcers("any"), before);
      await cluster.kubectl("delete", "service", "-n", ns, "late");
      await cluster.kubectl("delete", "events", "-n", ns, "--all");
    };
    const n2 = cluster.sandbox.host("n2");
    await n2.exec(["ip", "address", "add", "172.30.0.219/24", "dev", "br-ex"]);
    await becomes("the pool says so", true, async () =>
      (await cluster.messagesOf("near", "Malformed")).includes("overlaps node n2"),
    );
    await stays();
    await cluster.kubectl("delete", "ipaddresspool", "near");
    await stays();
    await cluster.sandbox.processes.restart("controller");
    await stays();
    for (const [ip, node] of before) assert.deepEqual(await answeringMacs(ip), [await macOf(node)]);
    await n2.exec(["ip", "address", "del", "172.30.0.219/24", "dev", "br-ex"]);
    await cluster.apply(near());
    await expose("again", "steady");
    await given("again");
    await cluster.kubectl("delete", "service", "-n", ns, "again");
  });

  test("two Services share an announced address, each with its own port", async () => {
    const share = (name: string, port: object) =>
      cluster.apply({
        ...{ apiVersion: "v1", kind: "Service" },
        metadata: {
          ...{ namespace: ns, name },
          annotations: { "weft.io/address-pool": "near", "weft.io/allow-shared-ip": "one" },
        },
        spec: {
          ...{ type: "LoadBalancer", ipFamilyPolicy: "PreferDualStack", selector: { app: "steady" } },
          ports: [{ targetPort: 8080, ...port }],
        },
      });
    await share("shared-a", { port: 80 });
    const ips = await given("shared-a");
    await share("shared-b", { port: 53, protocol: "UDP" });
    assert.deepEqual(await given("shared-b"), ips);
    for (const address of ips) {
      for (const question of [asks(address), { way: "udp", address, port: 53 } as const])
        await becomes(`outside ▶ ${question.way} ${address}`, ["steady"], () =>
          cluster.answering("outside", question),
        );
      const node = (await announcers("shared-b")).get(address) ?? "";
      assert.equal((await announcers("shared-a")).get(address), node);
      assert.deepEqual(await answeringMacs(address), [await macOf(node)]);
    }
    await cluster.kubectl("delete", "service", "-n", ns, "shared-a");
    for (const address of ips)
      await becomes(`the other one keeps ${address}`, ["steady"], () =>
        cluster.answering("outside", { way: "udp", address, port: 53 }),
      );
    await cluster.kubectl("delete", "service", "-n", ns, "shared-b");
  });

  test("nobody answers for an address of a pool that is not announced", async () => {
    await expose("quiet", "steady", {}, "silent");
    for (const ip of await given("quiet")) {
      const [result] = await cluster.ask("outside", [asks(ip)], 3);
      assert.equal(result?.ok, false);
      assert.equal(await neighbour(ip), "");
    }
  });

  test("with Local a node with endpoints announces, its pod sees the client, and both go where the endpoints go", async () => {
    await expose("kept", "kept", { externalTrafficPolicy: "Local" });
    const ips = await given("kept");
    await announcedBy("kept", "n2");
    for (const [family, ip] of ips.entries()) {
      const client = cluster.hostAddresses("outside")[family] ?? "";
      await becomes(`kept-n2 sees ${client}`, `kept-n2 n2 ${client}`, async () => {
        const [result] = await cluster.ask("outside", [asks(ip)]);
        return (result?.words ?? "").split(" ").slice(0, 3).join(" ");
      });
    }
    await cluster.apply(pod({ namespace: ns, name: "kept-n3", node: "n3", labels: { app: "kept" } }));
    await cluster.podsReady(ns, "kept-n3");
    for (const ip of ips) assert.deepEqual(await answeringMacs(ip), [await macOf("n2")]);
    await cluster.kubectl("delete", "pod", "-n", ns, "kept-n2");
    await announcedBy("kept", "n3");
    const mac = await macOf("n3");
    for (const ip of ips) {
      await becomes(`the outside is told of n3 for ${ip}`, mac, () => neighbour(ip));
      await becomes(`outside ▶ ${ip}`, ["kept-n3"], () => cluster.answering("outside", asks(ip)));
      assert.deepEqual(await answeringMacs(ip), [mac]);
    }
    await cluster.kubectl("delete", "service", "-n", ns, "kept");
  });

  test("when a node dies its addresses move to another one, and an operator can move them away from a node that lives", async () => {
    const ips = await given("any");
    await cluster.kubectl("label", "node", "n3", `${excluded}=`);
    await announcedBy("any", "n2");
    const [n2, n3] = [await macOf("n2"), await macOf("n3")];
    for (const ip of ips) await becomes(`the outside is told of n2 for ${ip}`, n2, () => neighbour(ip));
    await cluster.kubectl("label", "node", "n3", `${excluded}-`);
    for (const ip of ips) assert.deepEqual(await answeringMacs(ip), [n2], "it stays where it is");
    await cluster.sandbox.host("n2").exec(["ip", "link", "set", "eth0", "down"]);
    for (const ip of ips)
      await becomes(`outside ▶ ${ip} again`, ["steady"], () => cluster.answering("outside", asks(ip)));
    await announcedBy("any", "n3");
    for (const ip of ips) assert.equal(await neighbour(ip), n3);
    await cluster.sandbox.host("n2").exec(["ip", "link", "set", "eth0", "up"]);
    await becomes("n2 is back", "False", () =>
      cluster.field("node", "", "n2", '{.status.conditions[?(@.type=="NetworkUnavailable")].status}'),
    );
    // Until its ovn-controller has heard what happened meanwhile, it answers too.
    for (const ip of ips) await becomes(`n3 alone answers for ${ip}`, [n3], () => answeringMacs(ip));
    assert.deepEqual(new Set((await announcers("any")).values()), new Set(["n3"]), "it does not move back");
  });

  test("an address that nobody may announce is told, and nothing is left of it", async () => {
    for (const node of ["n2", "n3"]) await cluster.kubectl("label", "node", node, `${excluded}=`);
    await becomes("the Event", true, async () =>
      /NotAnnounced.*nobody answers for 172\.30\.0\.2/.test(await eventsOf("any")),
    );
    await becomes("no router answers", [], async () =>
      (await cluster.rows("Load_Balancer", "name")).filter((name) => name.includes("_announce_")),
    );
  });
});

/** The MAC in the frame, if it answers who has the address: an ARP reply, or a neighbour advertisement that was asked for. */
function senderOf(frame: Buffer, ip: string): string | undefined {
  const address = parseIp(ip);
  if (!address) return undefined;
  const wanted = address.value.toString(16).padStart(address.family === 4 ? 8 : 32, "0");
  const at = (from: number, length: number): string => frame.subarray(from, from + length).toString("hex");
  const isReply =
    address.family === 4
      ? at(12, 2) === "0806" && at(20, 2) === "0002" && at(28, 4) === wanted
      : at(12, 2) === "86dd" && at(54, 1) === "88" && at(62, 16) === wanted;
  return isReply ? (at(6, 6).match(/../g) ?? []).join(":") : undefined;
}
