// Two clusters with the same names, addresses and objects in one cloud, each on its tenant's router. Neither sees the
// other, and one of them can be removed to the last row while the other's packets flow.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { plainAddress } from "../../sandbox/host.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod, service } from "./manifests.ts";
import { dumpNorthbound } from "./ovnDump.ts";
import { poolView } from "./poolView.ts";
import { Stream } from "./stream.ts";

const nodes = ["n1", "n2"];
const echo = join(import.meta.dirname, "../../sandbox/echo/echo.pl");
const labels = { app: "web" };
const virtual = ["10.96.0.80", "fd00:10:96::80"];

suite("two tenants of one cloud", suiteLimit, () => {
  /** Owns the cloud, and stays. */
  let host: Cluster;
  /** Is a guest in the cloud, and is removed. */
  let guest: Cluster;
  let alone: Awaited<ReturnType<typeof dumpNorthbound>>;
  let stream: Stream;

  before(async () => {
    host = await Cluster.up({ name: "host", mode: "underlay", nodes: nodes.length });
    await populate(host);
    await host.apply(pod({ namespace: "shop", name: "only", node: "n1", command: command(host, "only") }));
    stream = await Stream.start(host, { namespace: "shop", name: "stream", from: "n1", to: "n2" });
    await host.podsReady("shop");
    alone = await atRest(host);
    guest = await Cluster.up({ name: "guest", mode: "underlay", nodes: nodes.length, cloud: nameOf(host) });
    await populate(guest);
    await guest.podsReady("shop");
  });
  after(async () => {
    await guest?.[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
  });

  test("pods, machines and nodes reach those of their own tenant at addresses that both have", async () => {
    const [ours, theirs] = await Promise.all([host, guest].map(addressesByPod));
    assert.deepEqual([...(theirs?.values() ?? [])].toSorted(), [...(ours?.values() ?? [])].toSorted());
    for (const cluster of [host, guest]) {
      const pods = [...(await addressesByPod(cluster))];
      for (const from of places) {
        const answers = await cluster.ask(
          from,
          pods.map(([, address]) => tcp(address)),
        );
        const wanted = pods.map(([pod]) => `${pod.split(" ")[0]} ${nameOf(cluster)}`);
        assert.deepEqual(
          answers.map(({ words }) => words.split(" ").slice(0, 2).join(" ")),
          wanted,
          from,
        );
      }
    }
  });

  test("a Service of both, at one address, is each tenant's own", async () => {
    for (const cluster of [host, guest])
      for (const from of places) {
        const questions = virtual.flatMap((address) =>
          Array.from({ length: 4 }, () => ({ ...tcp(address), port: 80 })),
        );
        await becomes(`${from} of ${nameOf(cluster)}`, [nameOf(cluster)], async () => {
          const answers = await cluster.ask(from, questions);
          return [...new Set(answers.map(({ words }) => words.split(" ")[1] ?? ""))];
        });
      }
  });

  test("no packet crosses: what only one tenant has hears nothing from the other", async () => {
    const addresses = await host.addressesOf("shop", "only");
    assert.ok([...(await addressesByPod(guest)).values()].every((address) => !addresses.includes(address)));
    const pings = addresses.map((address): Question => ({ way: "icmp", address, port: 0 }));
    const heard = await pingsHeard("only");
    const answers = await Promise.all(places.map((from) => guest.ask(from, pings)));
    assert.deepEqual(
      answers.flat().filter(({ ok }) => ok),
      [],
    );
    assert.deepEqual(await pingsHeard("only"), heard);
    assert.deepEqual(await host.failures("vm", pings), []);
    assert.notDeepEqual(await pingsHeard("only"), heard);
  });

  test("no two rows of a table have one name, and each is called after its cluster", async () => {
    // The name of an ACL is a word in a log, and names nothing.
    const isNamed = ({ table, name }: { readonly table: string; readonly name: string }): boolean =>
      name !== "" && table !== "ACL";
    const rows = [...(await dumpNorthbound(host)).values()].filter(isNamed);
    const groups = rows.filter(({ name }) => /_(subjects|peers)_/.test(name));
    for (const cluster of [host, guest])
      assert.ok(
        groups.some((row) => row.cluster === nameOf(cluster)),
        "both have the groups of their policies",
      );
    const names = rows.map(({ table, name }) => `${table} ${name}`);
    assert.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
    );
    const foreign = rows.filter(({ name, cluster }) => cluster !== "" && !name.startsWith(`${cluster}_`));
    assert.deepEqual(foreign, []);
    assert.deepEqual(
      [...new Set(rows.map(({ cluster }) => cluster))].toSorted(),
      ["", nameOf(guest), nameOf(host)].toSorted(),
    );
  });

  test("a dry run of the teardown says what would be deleted, and changes nothing", async () => {
    await guest.sandbox.processes.stop("controller");
    const rows = await atRest(host);
    const { status, stdout } = await guest.weft(
      "teardown",
      "--cluster",
      nameOf(guest),
      "--dry-run",
      "-o",
      "json",
    );
    assert.equal(status, 0);
    const said: { readonly rows: Readonly<Record<string, number>> } = JSON.parse(stdout);
    const marked = [...rows.values()].filter(({ cluster }) => cluster === nameOf(guest)).length;
    const sum = Object.values(said.rows).reduce((all, count) => all + count, 0);
    // Without the fence, and including rows whose table has no place for a mark.
    assert.ok(sum >= marked - 1, `${sum} of ${marked}`);
    assert.deepEqual(await dumpNorthbound(host), rows);
  });

  test("a teardown leaves nothing of its cluster, and the other's rows to the letter", async () => {
    const { status, stderr } = await guest.weft("teardown", "--cluster", nameOf(guest));
    assert.equal(status, 0, stderr);
    const left = await atRest(host);
    const changed = [...alone].filter(([uuid, row]) => left.get(uuid)?.text !== row.text);
    assert.deepEqual(
      changed.map(([, row]) => row),
      [],
    );
    const more = [...left].filter(([uuid]) => !alone.has(uuid)).map(([, row]) => row);
    assert.ok(more.length > 0, "what the guest's operator has made is there");
    const weft = more.filter(({ text }) => text.includes(`${nameOf(guest)}_`) || text.includes("weft.io"));
    assert.deepEqual(weft, []);
    const made = new Set([...left.keys()]);
    const dangling = more.flatMap(({ text }) =>
      (text.match(/\["uuid","[^"]+"\]/g) ?? []).filter((uuid) => !made.has(uuid)),
    );
    assert.deepEqual(dangling, []);
  });

  test("its pods are cut off, its machines are not, and the other tenant has not noticed", async () => {
    await stream.expectNoGap();
    const pods = [...(await addressesByPod(guest)).values()];
    await eventually(
      "they are cut off",
      async () => (await guest.failures("vm", pods.map(tcp))).length === pods.length,
    );
    const machine = guest.sandbox.host("machine").host.addresses.map(plainAddress).map(tcp);
    assert.deepEqual(await guest.failures("vm", machine), []);
    const ours = [...(await addressesByPod(host)).values()].map(tcp);
    for (const from of places) assert.deepEqual(await host.failures(from, ours), []);
  });

  /**
   * Both tenants' pods get the same addresses: the first closed ports of whole pools, since a policy selects them. A pod
   * without a policy gets an open or a closed port, depending on how soon its agent knows that there is none. The policy is the
   * same in both tenants, groups included, and allows everybody.
   */
  async function populate(cluster: Cluster): Promise<void> {
    for (const node of nodes)
      await eventually(`the pool of ${node} is full`, async () => {
        const { offer, seen } = await poolView(cluster, node);
        return offer.open.length > 0 && offer.withdrawn.length === 0 && seen.generation >= offer.asked;
      });
    await cluster.apply(namespace("shop"), policy);
    await cluster.apply(
      ...nodes.map((node) =>
        pod({
          namespace: "shop",
          name: `web-${node}`,
          node,
          labels,
          command: command(cluster, `web-${node}`),
        }),
      ),
      service({
        namespace: "shop",
        name: "web",
        spec: { selector: labels, clusterIPs: virtual, ports: [{ port: 80, targetPort: 8080 }] },
      }),
    );
    await cluster.podsReady("shop");
    const served = [...(await addressesByPod(cluster)).values()].map(tcp);
    await becomes("all pods are served", [], () => cluster.failures("vm", served));
  }

  /** `POD FAMILY` -> address, of the pods that both tenants have. */
  async function addressesByPod(cluster: Cluster): Promise<ReadonlyMap<string, string>> {
    const each = nodes.map(async (node) => {
      const addresses = await cluster.addressesOf("shop", `web-${node}`);
      return addresses.map((address) => [`web-${node} ${address}`, address] as const);
    });
    return new Map((await Promise.all(each)).flat());
  }

  async function pingsHeard(name: string): Promise<string> {
    const counters = "awk '/^Icmp6InEchos /{print $2} /^Icmp:/{print $10}' /proc/net/snmp /proc/net/snmp6";
    return host.kubectl("exec", "-n", "shop", name, "--", "sh", "-c", counters);
  }

  /** The database, once two reads in a row are equal. */
  async function atRest(cluster: Cluster): Promise<Awaited<ReturnType<typeof dumpNorthbound>>> {
    let last = await dumpNorthbound(cluster);
    return eventually("the database rests", async () => {
      const earlier = last;
      await cluster.northbound("--wait=hv", "--timeout=20", "sync");
      last = await dumpNorthbound(cluster);
      assert.deepEqual(last, earlier);
      return last;
    });
  }
});

const policy = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "all", namespace: "shop" },
  spec: {
    podSelector: {},
    ingress: [
      {
        from: [{ namespaceSelector: {} }, { ipBlock: { cidr: "0.0.0.0/0" } }, { ipBlock: { cidr: "::/0" } }],
      },
    ],
  },
};

const places = ["shop/web-n1", "shop/web-n2", "vm", "machine", "n1"];

const nameOf = ({ sandbox }: Cluster): string => sandbox.layout.name;

/** An echo server whose answers name the tenant. */
const command = (cluster: Cluster, name: string): readonly string[] => [
  ...["env", `ECHO_POD=${name}`, `ECHO_NODE=${nameOf(cluster)}`, "ECHO_PORTS=8080"],
  ...["perl", echo],
];

const tcp = (address: string): Question => ({ way: "tcp", address, port: 8080 });
