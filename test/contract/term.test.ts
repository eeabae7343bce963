// A whole term of leadership, with a real northbound server and stores that the test fills: what a restart preserves.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { defaultPruneLimits } from "../../src/apply/pruneGuard.ts";
import { OwnNodes } from "../../src/cloud/ownNodes.ts";
import { clusterNetwork, defaultJoin } from "../../src/config/ranges.ts";
import { northboundDestination, type Served } from "../../src/controller/destinations.ts";
import { Term } from "../../src/controller/term.ts";
import type { Patch } from "../../src/decide/durable.ts";
import { northboundTables } from "../../src/kinds/kinds.ts";
import {
  chassisIdAnnotation,
  gatewayConfigAnnotation,
  nodeIdAnnotation,
  nodeSubnetsAnnotation,
  podNetworkAnnotation,
} from "../../src/kube/annotations.ts";
import { ApiServer } from "../../src/kube/apiServer.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { systemClock } from "../../src/kube/clock.ts";
import type { Node, Pod } from "../../src/kube/objects.ts";
import { emptyStore, type Stores, storesOf } from "../../src/kube/stores.ts";
import { parseCidr, parseInterfaceAddress, parseIp } from "../../src/model/ip.ts";
import { macOf } from "../../src/model/mac.ts";
import { annotations } from "../../src/model/names.ts";
import { podNetworkAt } from "../../src/model/network.ts";
import { northboundScope } from "../../src/model/scope.ts";
import { Observed, observedIndexes } from "../../src/observe/observed.ts";
import type { PortStates } from "../../src/observe/portStates.ts";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { type Replica, Session } from "../../src/ovsdb/index.ts";
import { northboundSchema, select, startOvsdbServer } from "../real/ovsdbServer.ts";
import { json, scripted, status } from "./kubeScript.ts";

const server = await startOvsdbServer(northboundSchema);
after(() => server[Symbol.asyncDispose]());

/** A cluster's API server that has nothing but its namespace. */
const api = await scripted([
  (response, seen) => {
    if (seen.path === "/api/v1/namespaces/kube-system")
      json({ metadata: { uid: "cluster" } })(response, seen);
    else if (seen.query.has("limit")) json({ metadata: { resourceVersion: "5" }, items: [] })(response, seen);
    else status(404, "NotFound")(response, seen);
  },
]);
after(() => api[Symbol.asyncDispose]());

const present = <T>(value: T | undefined): T => {
  assert.ok(value !== undefined);
  return value;
};

const meta = (name: string, namespace = "") => ({
  namespace,
  name,
  uid: `uid-of-${name}`,
  resourceVersion: "1",
  labels: {},
  deletionTimestamp: undefined,
});

const node = (id: number): Node => ({
  kind: "Node",
  ...meta(`n${id}`),
  annotations: {
    ...nodeIdAnnotation(id),
    ...nodeSubnetsAnnotation([present(parseCidr(`10.24${id}.0.0/24`))]),
    ...chassisIdAnnotation(`chassis-${id}`),
    ...gatewayConfigAnnotation(
      {
        mac: `02:00:00:00:00:1${id}`,
        addresses: [present(parseInterfaceAddress(`172.30.0.1${id}/24`))],
        nextHops: [present(parseIp("172.30.0.1"))],
        mtuBytes: 1500,
      },
      { bridge: "br-ex", uplink: "eth0" },
    ),
  },
  internalIps: [`172.30.0.1${id}`],
  networkUnavailable: false,
  allocatable: { pods: 110, cpus: 4, memoryBytes: 8 * 2 ** 30 },
});

const podOn = (id: number): Pod => {
  const address = present(parseInterfaceAddress(`10.24${id}.0.5/24`));
  return {
    kind: "Pod",
    ...meta(`p${id}`, "shop"),
    annotations: podNetworkAnnotation({
      addresses: [address],
      mac: macOf(address.ip),
      gateways: [present(parseIp(`10.24${id}.0.1`))],
    }),
    nodeName: `n${id}`,
    hostNetwork: false,
    phase: "Running",
    podIps: [],
  };
};

function storesWith(nodes: readonly Node[], pods: readonly Pod[]): Stores {
  const stores = storesOf(emptyStore);
  stores.Node.apply(nodes.map((object) => ({ type: "put", object })));
  stores.Pod.apply(pods.map((object) => ({ type: "put", object })));
  for (const store of Object.values(stores)) store.note({ synced: true });
  return stores;
}

const serve = (zone: string, session: Session, replica: Replica<NorthboundTables>): Served =>
  northboundDestination({
    destination: northboundScope("demo", zone).destination,
    cluster: "demo",
    session,
    replica,
    generations: undefined,
    events: {},
    // A node is half of this cluster.
    prune: { ...defaultPruneLimits, share: 1 },
    clock: systemClock,
    log: () => undefined,
  });

interface LeadOptions {
  /** Further destinations. */
  readonly others?: readonly Served[];
  /** Resolves when the test has seen enough. */
  readonly until?: (term: Term) => Promise<unknown>;
  /** Takes what is written on objects. */
  readonly patch?: Patch;
  readonly pooled?: boolean;
  readonly services?: readonly string[];
  /** The tenant's router, in underlay mode. */
  readonly router?: string;
}

/** Leads with these pod ranges until a line with `message` is logged, if there is one, and then `until` resolves. */
async function lead(
  pods: readonly string[],
  stores: Stores,
  message: string | undefined,
  {
    others = [],
    until = (term) => term.appliers.settled(),
    patch = async () => undefined,
    pooled = false,
    services = [],
    router,
  }: LeadOptions = {},
): Promise<void> {
  await using session = new Session({ remotes: [server.remote], database: "OVN_Northbound" });
  const said = Promise.withResolvers<void>();
  if (message === undefined) said.resolve();
  const ending = new AbortController();
  const scope = northboundScope("demo", "global");
  const network = clusterNetwork({ pods, services, join: defaultJoin });
  const noPorts: PortStates = {
    synced: true,
    ready: () => Promise.resolve(),
    stateOf: () => "absent",
    isAtLeast: () => false,
    subscribe: () => () => undefined,
  };
  using client = new KubeClient({ server: api.url, namespace: "default" });
  const replica = session.replica(northbound, northboundTables, {
    indexes: observedIndexes(northboundTables),
  });
  const term = new Term(
    {
      scope,
      network,
      cloud: new OwnNodes(scope, network, pooled),
      pools: pooled ? { isNested: false, marks: { low: 4, high: 8 }, random: Math.random } : undefined,
      client,
      server: new ApiServer(client),
      stores,
      observed: new Observed({ scope, replica, ports: noPorts, router }),
      patch,
      tell: {
        decided: () => undefined,
        refused: () => undefined,
        distrusted: () => undefined,
        conflict: () => undefined,
        fellShort: () => undefined,
      },
      onPlanned: () => undefined,
      destinations: [serve("global", session, replica), ...others],
      clock: systemClock,
      random: Math.random,
      log: (_, text) => {
        if (message !== undefined && text.startsWith(message)) said.resolve();
      },
    },
    crypto.randomUUID(),
  );
  session.start();
  const ended = term.run(ending.signal);
  await Promise.race([said.promise, ended]);
  await until(term);
  ending.abort(new Error("the test is done"));
  await ended;
}

const portNames = async (): Promise<ReadonlySet<string>> => {
  const rows = await select(server.remote, "OVN_Northbound", "Logical_Switch_Port");
  return new Set(rows.flatMap(({ name }) => (typeof name === "string" ? name : [])));
};

test("a restart keeps the rows of a node that can no longer be planned, and removes them when the node is gone", async () => {
  const both = ["10.242.0.0/16", "10.243.0.0/16"];
  await lead(both, storesWith([node(2), node(3)], [podOn(2), podOn(3)]), "steady");
  const before = await portNames();
  assert.ok(before.has("demo_pod_shop_p2") && before.has("demo_pod_shop_p3"), [...before].join());

  const stores = storesWith([node(2), node(3)], [podOn(2), podOn(3)]);
  await lead(both.slice(0, 1), stores, "rows that nobody asks for stay");
  assert.deepEqual(await portNames(), before);

  await lead(both.slice(0, 1), storesWith([node(2)], [podOn(2)]), "steady");
  const left = await portNames();
  assert.ok(left.has("demo_pod_shop_p2"), [...left].join());
  assert.deepEqual(
    [...left].filter((name) => name.endsWith("3")),
    [],
  );
});

test("a pod that cannot be planned after a restart keeps its row, and the rows of a pod that is gone go", async () => {
  const ranges = ["10.242.0.0/16", "10.243.0.0/16"];
  await lead(ranges, storesWith([node(2), node(3)], [podOn(2), podOn(3)]), "steady");
  const stuck = { ...podOn(2), annotations: { [annotations.podNetworks]: "x" } };
  await lead(ranges, storesWith([node(2), node(3)], [stuck]), "steady", {
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
  await lead(ranges, storesWith([node(2), node(3)], []), "steady");
  assert.equal((await portNames()).has("demo_pod_shop_p2"), false);
});

test("nodes and pods that state what is not theirs while nobody leads get their own back, and no row changes", async () => {
  const ranges = ["10.242.0.0/16", "10.243.0.0/16"];
  const pods = [podOn(2), podOn(3)];
  await lead(ranges, storesWith([node(2), node(3)], pods), "steady");
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
  const liar = {
    ...node(2),
    annotations: {
      ...node(2).annotations,
      [annotations.nodeSubnets]: node(3).annotations[annotations.nodeSubnets] ?? "",
      [annotations.nodeId]: "3",
      [annotations.nodeChassisId]: node(3).annotations[annotations.nodeChassisId] ?? "",
    },
  };
  const another = podNetworkAt([present(parseCidr("10.243.0.0/24"))], 77);
  const lyingPod = { ...podOn(3), annotations: podNetworkAnnotation(another) };
  const patched = new Map<string, string>();
  await lead(ranges, storesWith([liar, node(3)], [podOn(2), lyingPod]), "steady", {
    patch: async ({ name, annotations: written }) => void patched.set(name, JSON.stringify(written)),
  });
  assert.equal(await rows(), before);
  assert.match(patched.get("n2") ?? "", /10\.242\.0\.0\/24/);
  assert.match(patched.get("p3") ?? "", /10\.243\.0\.3\/24/);
  assert.equal(patched.has("n3"), false);
});

test("a destination that is away keeps nobody from leading, and the others are served", async () => {
  await using away = new Session({ remotes: ["tcp:127.0.0.1:1"], database: "OVN_Northbound" });
  away.start();
  const others = [serve("far", away, away.replica(northbound, northboundTables))];
  const until = async (): Promise<void> => {
    const deadline = Date.now() + 20_000;
    while (!(await portNames()).has("demo_mgmt_n5")) {
      assert.ok(Date.now() < deadline, "the node has its rows");
      await pause(20);
    }
  };
  await lead(["10.240.0.0/12"], storesWith([node(5)], []), undefined, { others, until });
});

test("a leader with other options than those that the rows were made with says so, and writes no row", async () => {
  const pods = ["10.240.0.0/12"];
  const made = { pooled: true, services: ["10.96.0.0/16"] };
  // No row is left that could have an address of the pool.
  await lead(pods, storesWith([], []), "steady");
  await lead(pods, storesWith([node(2)], []), "steady", made);
  const rows = async (): Promise<unknown> => {
    const tables = Object.keys(northboundTables);
    return Promise.all(tables.map((table) => select(server.remote, "OVN_Northbound", table)));
  };
  const before = await rows();
  assert.ok((await portNames()).has("demo_pool_n2_3"));
  const others: readonly (readonly [readonly string[], LeadOptions, RegExp])[] = [
    [pods, { ...made, pooled: false }, /made with --addresses pooled/],
    [pods, { ...made, router: "shop" }, /made with --mode overlay/],
    [pods, { ...made, services: ["10.97.0.0/16"] }, /made with --service-cidr 10\.96\.0\.0\/16/],
    [["10.128.0.0/16"], made, /made with a --cluster-cidr with the node subnet 10\.242\.0\.0\/24/],
  ];
  for (const [ranges, options, message] of others) {
    const pod = { ...podOn(2), annotations: {}, podIps: ["10.242.0.3"] };
    await assert.rejects(lead(ranges, storesWith([node(2)], [pod]), "steady", options), message);
    assert.deepEqual(await rows(), before);
  }
});
