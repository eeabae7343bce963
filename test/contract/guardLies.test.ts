// The whole controller, from an API server that lies to the rows in a real database: whatever it leaves out, nothing that
// served traffic goes while it lies; and when it tells the truth, everything is as it should be.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { defaultPruneLimits } from "../../src/apply/pruneGuard.ts";
import { OwnNodes } from "../../src/cloud/ownNodes.ts";
import { clusterNetwork, defaultJoin } from "../../src/config/ranges.ts";
import { northboundDestination } from "../../src/controller/destinations.ts";
import { Term } from "../../src/controller/term.ts";
import { northboundTables } from "../../src/kinds/kinds.ts";
import { ApiServer } from "../../src/kube/apiServer.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { type Clock, silent } from "../../src/kube/clock.ts";
import { allReady, everyStore, type Stores, watchAll } from "../../src/kube/stores.ts";
import { northboundScope } from "../../src/model/scope.ts";
import { Observed, observedIndexes } from "../../src/observe/observed.ts";
import type { PortStates } from "../../src/observe/portStates.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { type AnyReplica, Session } from "../../src/ovsdb/index.ts";
import { northboundSchema, startOvsdbServer } from "../real/ovsdbServer.ts";
import {
  type ApiObject,
  hostAddress,
  node,
  pod,
  policy,
  range,
  service,
  shop,
  slice,
} from "./clusterObjects.ts";
import { type Lie, LyingApi, lies } from "./lyingApi.ts";
import { linesOf } from "./rowLines.ts";

const bounded = { timeout: 170_000 };

/** A hundred times as fast. */
const hurried: Clock = {
  now: () => performance.now() * 100,
  wall: () => Date.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms / 100);
    return () => clearTimeout(timer);
  },
};

const scope = northboundScope("demo", "global");
const network = clusterNetwork({ pods: ["10.240.0.0/12"], services: ["10.96.0.0/16"], join: defaultJoin });

const cluster: readonly ApiObject[] = [
  ...[2, 3].map(node),
  ...[2, 3].flatMap((id) => [5, 6].map((offset) => pod(`p${id}-${offset}`, id, offset))),
  ...[5, 6, 7].map(service),
  ...[5, 6].map((number) => slice(number, ["10.242.0.5", "10.243.0.5"])),
  // Its endpoint is in a node's own network: the balancer has the node's management address instead.
  slice(7, [hostAddress(2)]),
  range("10.97.0.0/16"),
  shop,
  policy,
];

/** An earlier state: nothing that it says is true any more. */
const earlier: readonly ApiObject[] = [
  node(2),
  pod("old", 2, 9),
  service(5),
  slice(5, ["10.242.0.9"]),
  slice(6, []),
];

const noPorts: PortStates = {
  synced: true,
  ready: () => Promise.resolve(),
  stateOf: () => "absent",
  chassisOf: () => undefined,
  isAtLeast: () => false,
  subscribe: () => () => undefined,
};

interface Controller extends AsyncDisposable {
  readonly stores: Stores;
  readonly server: ApiServer;
  readonly term: Term;
}

/** Begins to lead; returns once every kind is listed. */
async function controller(api: LyingApi, remote: string): Promise<Controller> {
  const session = new Session({ remotes: [remote], database: "OVN_Northbound" });
  const ending = new AbortController();
  const client = new KubeClient({ server: api.url, namespace: "default" });
  const server = new ApiServer(client);
  const stores = watchAll(
    client,
    new Set(["Node", "Namespace", "Pod", "Service", "EndpointSlice", "ServiceCIDR", "NetworkPolicy"]),
    ending.signal,
    { clock: hurried, server },
  );
  const replica = session.replica(northbound, northboundTables, {
    indexes: observedIndexes(northboundTables),
  });
  const term = new Term(
    {
      scope,
      network,
      cloud: new OwnNodes(scope, network, false),
      pools: undefined,
      client,
      server,
      stores,
      observed: new Observed({ scope, replica, ports: noPorts, router: undefined }),
      externalIps: [],
      writeServiceStatus: async () => undefined,
      patch: async () => undefined,
      tell: {
        decided: () => undefined,
        refused: () => undefined,
        distrusted: () => undefined,
        announced: () => undefined,
        notGiven: () => undefined,
        fellShort: () => undefined,
        conflict: ({ message }) => assert.fail(message),
      },
      onPlanned: () => undefined,
      destinations: [
        northboundDestination({
          destination: scope.destination,
          cluster: scope.cluster,
          session,
          replica,
          generations: undefined,
          events: {},
          prune: defaultPruneLimits,
          clock: hurried,
          log: silent,
        }),
      ],
      clock: hurried,
      random: Math.random,
      log: silent,
    },
    crypto.randomUUID(),
  );
  session.start();
  await allReady(stores, ending.signal);
  const ended = term.run(ending.signal);
  ended.catch(() => undefined);
  return {
    stores,
    server,
    term,
    async [Symbol.asyncDispose]() {
      ending.abort(new Error("the controller ends"));
      await ended;
      await session[Symbol.asyncDispose]();
      client[Symbol.dispose]();
    },
  };
}

/** Watches the database like a second client. */
class Witness implements AsyncDisposable {
  readonly #session: Session;
  readonly #replica: AnyReplica;
  /** What must stay. */
  #kept: ReadonlySet<string> = new Set();
  readonly lost: string[] = [];

  constructor(remote: string) {
    this.#session = new Session({ remotes: [remote], database: "OVN_Northbound" });
    this.#replica = this.#session.replica(northbound, northboundTables);
    this.#replica.subscribe((changes) => {
      for (const { table, old, new: now } of changes) {
        const after = new Set(now && linesOf(table, now));
        for (const line of old ? linesOf(table, old) : [])
          if (this.#kept.has(line) && !after.has(line)) this.lost.push(line);
      }
    });
    this.#session.start();
  }

  async lines(): Promise<ReadonlySet<string>> {
    await this.#replica.ready();
    const all = [...this.#replica.tables].flatMap((table) =>
      [...this.#replica.table(table).values()].flatMap((row) => [...linesOf(table, row)]),
    );
    return new Set(all.filter((line) => !line.startsWith("Address_Set") || line.includes("10.24")));
  }

  keep(lines: ReadonlySet<string>): void {
    this.#kept = lines;
    this.lost.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}

async function becomes(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isTrue())) {
    assert.ok(performance.now() < deadline, `waited in vain until ${what}`);
    await pause(5);
  }
}

const listsOf = (stores: Stores): readonly number[] =>
  everyStore(stores).map(({ freshness }) => freshness.lists);

/** The server is known, and what it has said has led to all that it will lead to. */
const isSteady = ({ server, term }: Controller): boolean =>
  server.isProven && server.doubt === undefined && term.appliers.status.heldRows === 0;

const plurals = [
  "nodes",
  "namespaces",
  "pods",
  "services",
  "endpointslices",
  "networkpolicies",
  "servicecidrs",
] as const;

interface Story {
  readonly lies: Readonly<Record<string, Lie>> | "another server";
  readonly isRunning: boolean;
  /** The kind whose objects come last when they are asked for by name. */
  readonly late?: string | undefined;
}

/** A controller does not lead before every kind that a server must have is listed. */
const isPossible = (said: Readonly<Record<string, Lie>>): boolean =>
  Object.entries(said).every(([plural, lie]) => lie !== "not served" || plural === "servicecidrs");

const saidOfKinds = fc
  .dictionary(fc.constantFrom(...plurals), fc.constantFrom(...lies), { minKeys: 1 })
  .filter(isPossible);

const stories: fc.Arbitrary<Story> = fc.record({
  lies: fc.oneof(
    { weight: 5, arbitrary: saidOfKinds },
    { weight: 1, arbitrary: fc.constant("another server" as const) },
  ),
  isRunning: fc.boolean(),
  late: fc.option(fc.constantFrom(...plurals), { nil: undefined }),
});

async function tell({ lies: said, isRunning, late }: Story): Promise<void> {
  await using server = await startOvsdbServer(northboundSchema);
  await using api = await LyingApi.start(earlier);
  api.remember();
  for (const { plural, object } of earlier) {
    const { namespace = "", name } = object.metadata as { namespace?: string; name: string };
    api.delete(plural, `${namespace}/${name}`);
  }
  for (const one of cluster) api.put(one);
  await using witness = new Witness(server.remote);
  const first = await controller(api, server.remote);
  await becomes("the first controller knows its server", () => isSteady(first));
  await becomes("its memory is written", async () => {
    await first.term.appliers.settled();
    return [...(await witness.lines())].length > 0 && first.term.acquainted;
  });
  const truth = await witness.lines();
  witness.keep(truth);
  if (!isRunning) await first[Symbol.asyncDispose]();
  const before = listsOf(first.stores);
  if (said === "another server") api.replace();
  else api.lie(said, late);
  const now = isRunning ? first : await controller(api, server.remote);
  if (isRunning)
    await becomes("the lies are taken in", () =>
      everyStore(now.stores).every(
        ({ freshness, size }, index) =>
          freshness.lists > (before[index] ?? 0) || size === 0 || isUnserved(said, index),
      ),
    );
  // Several rounds of whatever happens from time to time.
  await pause(600);
  await now.term.appliers.settled();
  assert.deepEqual(witness.lost, []);
  api.tellTheTruth();
  await becomes("everything is as before", async () => {
    const lines = await witness.lines();
    return isSteady(now) && lines.size === truth.size && lines.isSubsetOf(truth);
  });
  // And a deletion is a deletion again.
  witness.keep(new Set());
  api.delete("services", "shop/s5");
  await becomes(
    "a deleted Service goes",
    async () => ![...(await witness.lines())].some((line) => line.includes("10.96.0.5:80")),
  );
  await now[Symbol.asyncDispose]();
}

const order = [
  "nodes",
  "namespaces",
  "pods",
  "services",
  "endpointslices",
  "networkpolicies",
  "servicecidrs",
];
const isUnserved = (said: Story["lies"], index: number): boolean =>
  said !== "another server" && said[order[index] ?? ""] === "not served";

const named: readonly (readonly [what: string, lies: Story["lies"], late?: string])[] = [
  ["no EndpointSlices", { endpointslices: "nothing" }],
  ["half of all Services", { services: "less" }],
  ["no nodes", { nodes: "nothing" }],
  ["neither Services nor nodes, which come last", { services: "nothing", nodes: "nothing" }, "nodes"],
  ["no policies", { networkpolicies: "nothing" }],
  ["neither pods nor namespaces", { pods: "nothing", namespaces: "nothing" }],
  ["no namespaces", { namespaces: "nothing" }],
  ["an older state of everything", Object.fromEntries(plurals.map((plural) => [plural, "older"]))],
  ["nothing at all, and it is another cluster's", "another server"],
  ["that it serves no ranges", { servicecidrs: "not served" }],
];

for (const [what, said, late] of named)
  for (const isRunning of [true, false])
    test(`a ${isRunning ? "running" : "starting"} controller hears of ${what}`, bounded, () =>
      tell({ lies: said, isRunning, late }),
    );

test("whatever the API server leaves out, nothing that served traffic goes while it lies", bounded, () =>
  fc.assert(fc.asyncProperty(stories, tell), {
    numRuns: Number(process.env["WEFT_RUNS"] ?? 8),
    endOnFailure: true,
  }),
);
