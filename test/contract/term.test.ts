// A whole term of leadership, with a real northbound server and stores that the test fills: what a restart preserves.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Term } from "../../src/controller/term.ts";
import { northboundTables } from "../../src/kinds/kinds.ts";
import { gatewayConfigAnnotation, podNetworkAnnotation } from "../../src/kube/annotations.ts";
import { record, text } from "../../src/kube/json.ts";
import { formatIp, parseCidr, parseInterfaceAddress } from "../../src/model/ip.ts";
import { macOf } from "../../src/model/mac.ts";
import { annotations } from "../../src/model/names.ts";
import { podNetworkAt } from "../../src/model/network.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { select } from "../real/ovsdbServer.ts";
import {
  type ApiObject,
  annotated,
  hostAddress,
  node,
  pod,
  policy,
  present,
  range,
  service,
  shop,
  slice,
} from "./clusterObjects.ts";
import { type LeadOptions, lead, lines, portNames, put, serve, server, storesWith } from "./termWorld.ts";

const podOn = (id: number): ApiObject => pod(`p${id}`, id, 5);

const ranges = ["10.242.0.0/16", "10.243.0.0/16"];
/** Node n2 alone has a subnet in them. */
const fewer = ranges.slice(0, 1);

test("a restart keeps the rows of a node that can no longer be planned, and removes them when the node is gone", async () => {
  await lead(ranges, storesWith(node(2), node(3), podOn(2), podOn(3)), "steady");
  const before = await portNames();
  assert.ok(before.has("demo_pod_shop_p2") && before.has("demo_pod_shop_p3"), [...before].join());

  const stores = storesWith(node(2), node(3), podOn(2), podOn(3));
  await lead(fewer, stores, "keeping the rows of owners that cannot be planned");
  assert.deepEqual(await portNames(), before);

  await lead(fewer, storesWith(node(2), podOn(2)), "steady");
  const left = await portNames();
  assert.ok(left.has("demo_pod_shop_p2"), [...left].join());
  assert.deepEqual(
    [...left].filter((name) => name.endsWith("3")),
    [],
  );
});

/** What stays in the tests of owners that get stuck. */
const lasting = [
  ...[node(2), pod("p3", 3, 5), shop, policy],
  ...[5, 6].map(service),
  slice(5, ["10.242.0.5", "10.243.0.5"]),
  // At the node's own address, so that the balancer has its management address.
  slice(6, [hostAddress(3)]),
];
/** What is gone after the restart. */
const passing = [pod("p2", 2, 5), service(7), slice(7, [])];

/** Its network lies in the pods' ranges. */
const unusable = (id: number): ApiObject =>
  annotated(
    node(id),
    gatewayConfigAnnotation(
      {
        mac: "02:00:00:00:00:99",
        addresses: [present(parseInterfaceAddress("10.242.9.9/24"))],
        nextHops: [],
        mtuBytes: 1500,
      },
      { bridge: "br-ex", uplink: "eth0" },
    ),
  );

const stuckOwners: readonly (readonly [
  what: string,
  before: readonly ApiObject[],
  after: readonly ApiObject[],
])[] = [
  ["a node, and what depends on it,", [node(3)], [unusable(3)]],
  ["a range of Services", [node(3), range("10.97.0.0/16")], [node(3), range("172.30.0.0/24")]],
];

for (const isPooled of [false, true])
  for (const [what, good, bad] of stuckOwners)
    test(`${what} that cannot be planned after a restart keeps its rows, and others go when they should, with ${isPooled ? "pools" : "ports of pods' own"}`, async () => {
      const options = { pooled: isPooled };
      await lead(ranges, storesWith(...lasting, ...passing, ...good), "steady", options);
      const before = await lines();
      assert.ok([...before].some((line) => line.includes("10.243.0.2:8080")));
      const until = async (term: Term): Promise<void> => {
        await term.appliers.settled();
        term.approvePrune();
        await term.appliers.settled();
      };
      await lead(ranges, storesWith(...lasting, ...bad), "steady", { ...options, until });
      const stuck = before.difference(await lines());
      await lead(ranges, storesWith(...lasting, ...good), "steady", options);
      const planned = before.difference(await lines());
      assert.ok([...stuck].some((line) => line.includes("10.96.0.7:80")));
      assert.deepEqual([...stuck.difference(planned)], []);
      await lead(ranges, storesWith(), "steady", options);
    });

test("a pod that cannot be planned after a restart keeps its row, and the rows of a pod that is gone go", async () => {
  await lead(ranges, storesWith(node(2), node(3), podOn(2), podOn(3)), "steady");
  const stuck = annotated(podOn(2), { [annotations.podNetworks]: "x" });
  await lead(ranges, storesWith(node(2), node(3), stuck), "steady", {
    patch: async () => {
      throw new Error("metadata.annotations: Too long");
    },
    until: async (term) => {
      term.approvePrune();
      await term.appliers.settled();
      assert.equal(term.appliers.status.heldRows, 1);
    },
  });
  const names = await portNames();
  assert.deepEqual([names.has("demo_pod_shop_p2"), names.has("demo_pod_shop_p3")], [true, false]);
  await lead(ranges, storesWith(node(2), node(3)), "steady");
  assert.equal((await portNames()).has("demo_pod_shop_p2"), false);
});

test("nodes and pods that state what is not theirs while nobody leads get their own back, and no row changes", async () => {
  await lead(ranges, storesWith(node(2), node(3), podOn(2), podOn(3)), "steady");
  const rows = async (): Promise<string> =>
    JSON.stringify(
      await Promise.all(
        ["Logical_Router_Port", "Logical_Switch_Port"].map((table) =>
          select(server.remote, "OVN_Northbound", table),
        ),
      ),
    );
  const before = await rows();
  // The liar's name sorts first.
  const stolen = record(record(node(3).object.metadata).annotations);
  const liar = annotated(node(2), {
    [annotations.nodeSubnets]: text(stolen[annotations.nodeSubnets]),
    [annotations.nodeId]: "3",
    [annotations.nodeChassisId]: text(stolen[annotations.nodeChassisId]),
  });
  const another = podNetworkAt([present(parseCidr("10.243.0.0/24"))], 77);
  const lyingPod = annotated(podOn(3), podNetworkAnnotation(another));
  const patched = new Map<string, string>();
  await lead(ranges, storesWith(liar, node(3), podOn(2), lyingPod), "steady", {
    patch: async ({ name, annotations: written }) => void patched.set(name, JSON.stringify(written)),
  });
  assert.equal(await rows(), before);
  assert.match(patched.get("n2") ?? "", /10\.242\.0\.0\/24/);
  assert.match(patched.get("p3") ?? "", /10\.243\.0\.3\/24/);
  assert.equal(patched.has("n3"), false);
});

test("what somebody has written into a pod's row while nobody leads is the pod's address: rows are the proof", async () => {
  await lead(ranges, storesWith(node(2), podOn(2)), "steady");
  const { ip } = present(parseInterfaceAddress("10.242.0.77/24"));
  {
    await using session = new Session({ remotes: [server.remote], database: "OVN_Northbound" });
    session.start();
    await session.connected();
    await session.transact(
      new Transaction(northbound).update("Logical_Switch_Port", [["name", "==", "demo_pod_shop_p2"]], {
        addresses: [`${macOf(ip)} ${formatIp(ip)}`],
      }),
    );
  }
  const patched = new Map<string, string>();
  await lead(ranges, storesWith(node(2), podOn(2)), "steady", {
    patch: async ({ name, annotations: written }) => void patched.set(name, JSON.stringify(written)),
  });
  assert.match(patched.get("p2") ?? "", /10\.242\.0\.77\/24/);
  await lead(ranges, storesWith(), "steady");
});

test("a pod that runs with an address of a pod that is gone, as after a restore, keeps it, and the other row gives way", async () => {
  await lead(ranges, storesWith(node(2), podOn(2)), "steady");
  const { plural, object } = pod("heir", 2, 3);
  const running = {
    plural,
    object: { ...object, status: { phase: "Running", podIPs: [{ ip: "10.242.0.3" }] } },
  };
  const patched: string[] = [];
  await lead(ranges, storesWith(node(2), running), "steady", {
    patch: async ({ name }) => void patched.push(name),
  });
  const rows = await select(server.remote, "OVN_Northbound", "Logical_Switch_Port");
  const having = rows.filter(({ addresses }) => JSON.stringify(addresses).includes(" 10.242.0.3"));
  assert.deepEqual(
    having.map(({ name }) => name),
    ["demo_pod_shop_heir"],
  );
  assert.deepEqual(patched, []);
  await lead(ranges, storesWith(), "steady");
});

test("a pod that runs with an address of an earlier pod keeps it, though another pod has that one's name", async () => {
  await lead(ranges, storesWith(node(2), podOn(2)), "steady");
  const runningAt = ({ plural, object }: ApiObject, ip: string, uid: string): ApiObject => ({
    plural,
    object: {
      ...object,
      metadata: { ...record(object.metadata), uid },
      status: { phase: "Running", podIPs: [{ ip }] },
    },
  });
  const heir = runningAt(pod("heir", 2, 3), "10.242.0.3", "uid-heir");
  const next = runningAt(pod("p2", 2, 9), "10.242.0.9", "uid-next");
  const patched: string[] = [];
  await lead(ranges, storesWith(node(2), heir, next), "steady", {
    patch: async ({ name }) => void patched.push(name),
  });
  const rows = await select(server.remote, "OVN_Northbound", "Logical_Switch_Port");
  const having = (ip: string) =>
    rows.filter(({ addresses }) => JSON.stringify(addresses).includes(` ${ip}`)).map(({ name }) => name);
  assert.deepEqual(having("10.242.0.3"), ["demo_pod_shop_heir"]);
  assert.deepEqual(having("10.242.0.9"), ["demo_pod_shop_p2"]);
  assert.deepEqual(patched, []);
  await lead(ranges, storesWith(), "steady");
});

test("a static pod keeps its port when its mirror is deleted and made again, in one term and in the next", async () => {
  const mirror = annotated(podOn(2), { [annotations.mirrorOf]: "0d5f" });
  const again: ApiObject = {
    ...mirror,
    object: { ...mirror.object, metadata: { ...record(mirror.object.metadata), uid: "another" } },
  };
  const port = async (): Promise<string> => {
    const rows = await select(server.remote, "OVN_Northbound", "Logical_Switch_Port");
    const { addresses, options } = present(rows.find(({ name }) => name === "demo_pod_shop_p2"));
    return [addresses, ...(options instanceof Map ? options.values() : [])].join(" ");
  };
  const stores = storesWith(node(2), mirror);
  await lead(ranges, stores, "steady", {
    until: async ({ appliers, planning }) => {
      const planned = async (): Promise<string> => {
        await planning.queue.idle();
        await appliers.settled();
        return port();
      };
      const before = await planned();
      assert.match(before, /static-0d5f/);
      stores.Pod.apply([{ type: "remove", namespace: "shop", name: "p2" }]);
      assert.equal(await planned(), before);
      put(stores, again);
      assert.equal(await planned(), before);
    },
  });
  const before = await port();
  await lead(ranges, storesWith(node(2), mirror), "steady");
  assert.equal(await port(), before);
});

test("a range of Services that takes the network of a node is refused, also before the node is decided", async () => {
  await lead(ranges, storesWith(), "steady");
  const { object } = node(2);
  const metadata = record(object.metadata);
  const { [annotations.nodeSubnets]: _, [annotations.nodeId]: __, ...others } = record(metadata.annotations);
  const fresh = { plural: "nodes", object: { ...object, metadata: { ...metadata, annotations: others } } };
  let isDecided = false;
  await lead(ranges, storesWith(fresh, range("172.30.0.0/16")), "steady", {
    patch: async () => {
      await pause(200);
      isDecided = true;
    },
  });
  assert.ok(isDecided);
  const policies = await select(server.remote, "OVN_Northbound", "Logical_Router_Policy");
  assert.deepEqual(
    policies.filter(({ match }) => match === "ip4.dst == 172.30.0.0/16"),
    [],
  );
});

test("what a pod held that is deleted while a new leader takes stock is free again, though no row tells of it", async () => {
  await lead(ranges, storesWith(), "steady");
  const running = (name: string): ApiObject => {
    const { object } = pod(name, 2, 5);
    const metadata = { namespace: "shop", name };
    const status = { phase: "Running", podIPs: [{ ip: "10.242.0.5" }] };
    return { plural: "pods", object: { ...object, metadata, status } };
  };
  const stores = storesWith(node(2), node(3), running("gone"));
  const values = stores.Pod.values.bind(stores.Pod);
  const events: string[] = [];
  // The first to list the pods is the decider, which pauses between nodes.
  stores.Pod.values = () => {
    stores.Pod.values = values;
    setImmediate(() => {
      events.push("deleted");
      stores.Pod.apply([{ type: "remove", namespace: "shop", name: "gone" }]);
    });
    return values();
  };
  await lead(ranges, stores, "steady", {
    onPlanned: () => void events.push("planned"),
    until: async ({ appliers, planning }) => {
      put(stores, running("next"));
      await planning.queue.idle();
      await appliers.settled();
    },
  });
  assert.equal(events[0], "deleted");
  assert.ok((await portNames()).has("demo_pod_shop_next"));
  assert.ok([...(await lines())].some((line) => line.endsWith(" 10.242.0.5")));
});

test("a destination that is away keeps nobody from leading, and the others are served", async () => {
  await using away = new Session({ remotes: ["tcp:127.0.0.1:1"], database: "OVN_Northbound" });
  away.start();
  const others = [serve("far", away, away.replica(northbound, northboundTables))];
  const until = async (): Promise<void> => {
    const deadline = Date.now() + 60_000;
    while (!(await portNames()).has("demo_mgmt_n5")) {
      assert.ok(Date.now() < deadline, "the node has its rows");
      await pause(20);
    }
  };
  await lead(["10.240.0.0/12"], storesWith(node(5)), undefined, { others, until });
});

test("a leader with other options than those that the rows were made with says so, and writes no row", async () => {
  const pods = ["10.240.0.0/12"];
  const made = { pooled: true, services: ["10.96.0.0/16"] };
  // No row is left that could have an address of the pool.
  await lead(pods, storesWith(), "steady");
  await lead(pods, storesWith(node(2)), "steady", made);
  const before = await lines();
  assert.ok((await portNames()).has("demo_pool_n2_3"));
  const others: readonly (readonly [readonly string[], LeadOptions, RegExp])[] = [
    [pods, { ...made, pooled: false }, /made with --addresses pooled/],
    [pods, { ...made, router: "shop" }, /made with --mode overlay/],
    [pods, { ...made, services: ["10.97.0.0/16"] }, /made with --service-cidr 10\.96\.0\.0\/16/],
    [["10.128.0.0/16"], made, /made with a --cluster-cidr with the node subnet 10\.242\.0\.0\/24/],
  ];
  const meta = { namespace: "shop", name: "p2" };
  for (const [other, options, message] of others) {
    const running = { status: { phase: "Running", podIPs: [{ ip: "10.242.0.3" }] } };
    const plain = { plural: "pods", object: { ...pod("p2", 2, 3).object, metadata: meta, ...running } };
    await assert.rejects(lead(other, storesWith(node(2), plain), "steady", options), message);
    assert.deepEqual(await lines(), before);
  }
});
