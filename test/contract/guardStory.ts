// One story about the whole controller, from an API server that lies to the rows in a real database: a controller leads by
// the truth, the server lies to it or to its successor, and tells the truth again.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Term } from "../../src/controller/term.ts";
import type { AnnotationPatch } from "../../src/decide/durable.ts";
import { poolOfferOf } from "../../src/kube/annotations.ts";
import { ApiServer } from "../../src/kube/apiServer.ts";
import { KubeClient } from "../../src/kube/client.ts";
import type { Clock } from "../../src/kube/clock.ts";
import { record } from "../../src/kube/json.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { allReady, everyStore, type Stores, watchAll } from "../../src/kube/stores.ts";
import { parseIp } from "../../src/model/ip.ts";
import { macOf } from "../../src/model/mac.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { northboundSchema, startOvsdbServer } from "../real/ovsdbServer.ts";
import {
  type ApiObject,
  hostAddress,
  node,
  pod,
  policy,
  present,
  profile,
  profiled,
  range,
  service,
  shop,
  slice,
} from "./clusterObjects.ts";
import { type OpenPort, Witness } from "./guardWitness.ts";
import { type Another, clusterUid, type Lie, LyingApi, others } from "./lyingApi.ts";
import { termOf } from "./termFixture.ts";

/** How pods get onto the network. */
export const ways = ["assigned", "pooled", "underlay"] as const;
export type Way = (typeof ways)[number];

export const plurals = [
  "nodes",
  "namespaces",
  "pods",
  "services",
  "endpointslices",
  "networkpolicies",
  "servicecidrs",
  "securityprofiles",
  "floatingaddresses",
  "ipaddresspools",
] as const;

export interface Story {
  readonly way: Way;
  readonly lies: Readonly<Record<string, Lie>> | `another server, ${Another}`;
  /** The controller runs when the server begins to lie; otherwise another one starts then. */
  readonly isRunning: boolean;
  /** The kind whose objects come last when they are asked for by name. */
  readonly late?: string | undefined;
  /** The watches that went on from a lie go on when the server tells the truth again, and hear nothing. */
  readonly watchesGoOn?: boolean | undefined;
}

/** A hundred times as fast. */
const hurried: Clock = {
  now: () => performance.now() * 100,
  wall: () => Date.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms / 100);
    return () => clearTimeout(timer);
  },
};

const nodes = [2, 3];

const withoutPods: readonly ApiObject[] = [
  ...nodes.map(node),
  ...[5, 6, 7].map(service),
  ...[5, 6].map((number) => slice(number, ["10.242.0.5", "10.243.0.5"])),
  // Its endpoint is in a node's own network: the balancer has the node's management address instead.
  slice(7, [hostAddress(2)]),
  range("10.97.0.0/16"),
  shop,
  policy,
  profile,
];

const assignedPods = nodes.flatMap((id) => [
  profiled(reported(`p${id}-5`, id, 5)),
  reported(`p${id}-6`, id, 6),
]);

/** Has the address that s6 has now. */
const formerService: ApiObject = {
  plural: "services",
  object: { ...service(6).object, metadata: { namespace: "shop", name: "former" } },
};

/** Lets nothing in. */
const formerPolicy: ApiObject = {
  plural: "networkpolicies",
  object: { metadata: { namespace: "shop", name: "former" }, spec: { podSelector: {} } },
};

/** A pod whose kubelet has reported its address. */
function reported(name: string, id: number, offset: number): ApiObject {
  const { plural, object } = pod(name, id, offset);
  const status = { phase: "Running", podIPs: [{ ip: `10.24${id}.0.${offset}` }] };
  return { plural, object: { ...object, status } };
}

const outer = "172.30.0.210";

const pool: ApiObject = {
  plural: "ipaddresspools",
  object: { metadata: { name: "pool" }, spec: { addresses: [outer] } },
};

const floatingTo = (podName: string): ApiObject => ({
  plural: "floatingaddresses",
  object: { metadata: { namespace: "shop", name: "f" }, spec: { podName } },
});

/** An earlier state: nothing that it says is true any more. */
const earlier: readonly ApiObject[] = [
  node(2),
  shop,
  reported("old", 2, 5),
  ...[service(5), formerService],
  ...[slice(5, ["10.242.0.5"]), slice(6, [])],
  formerPolicy,
];

/** What a pod has whose node's agent has taken the ready port at `offset`. */
function claimed(
  name: string,
  id: number,
  offset: number,
  labels: Readonly<Record<string, string>>,
): ApiObject {
  const { object } = pod(name, id, offset);
  const status = { phase: "Running", podIPs: [{ ip: `10.24${id}.0.${offset}` }] };
  return { plural: "pods", object: { ...object, metadata: { namespace: "shop", name, labels }, status } };
}

/** The pods of a pooled cluster, and the ports that were opened for those that no policy selects. */
interface Claims {
  readonly pods: readonly ApiObject[];
  readonly addresses: readonly string[];
  readonly open: readonly OpenPort[];
}

async function claims(api: LyingApi): Promise<Claims> {
  const found: { pods: ApiObject[]; addresses: string[]; open: OpenPort[] } = {
    pods: [],
    addresses: [],
    open: [],
  };
  for (const id of nodes) {
    const closed = (): readonly number[] =>
      poolOfferOf({ annotations: api.annotationsOf("nodes", `/n${id}`) })?.closed.map(
        ({ offset }) => offset,
      ) ?? [];
    await becomes("a pool has three closed ports", () => closed().length >= 3);
    const [first, second, third] = closed().map(Number);
    for (const [offset, app] of [
      [first, "web"],
      [second, "web"],
      [third, "free"],
    ] as const) {
      const one = claimed(`p${id}-${offset}`, id, present(offset), { app });
      found.pods.push(offset === second ? profiled(one) : one);
      const address = `10.24${id}.0.${offset}`;
      found.addresses.push(address);
      if (app === "free") found.open.push({ node: `n${id}`, mac: macOf(present(parseIp(address))) });
    }
  }
  return found;
}

const tenantsRouter = "tenant";

/** What the cloud has of the tenant whose machines are the nodes. */
async function makeTenant(remote: string): Promise<void> {
  await using session = new Session({ remotes: [remote], database: "OVN_Northbound" });
  session.start();
  await session.connected();
  const [routerPort, facing, ...machines] = Array.from({ length: 2 + nodes.length }, () =>
    crypto.randomUUID(),
  );
  const transaction = new Transaction(northbound)
    .insert(
      "Logical_Router_Port",
      { name: "tenant-vms", mac: "02:00:00:00:00:01", networks: ["172.30.0.1/24"] },
      routerPort,
    )
    .insert("Logical_Router", { name: tenantsRouter, ports: [present(routerPort)] })
    .insert(
      "Logical_Switch_Port",
      {
        name: "vms-tenant",
        type: "router",
        addresses: ["router"],
        options: new Map([["router-port", "tenant-vms"]]),
      },
      facing,
    )
    .insert("Logical_Switch", { name: "vms", ports: [present(facing), ...machines] });
  for (const [index, id] of nodes.entries())
    transaction.insert(
      "Logical_Switch_Port",
      { name: `vm-${id}`, addresses: [`02:00:00:00:00:1${id} ${hostAddress(id)}`] },
      machines[index],
    );
  await session.transact(transaction);
}

interface Controller extends AsyncDisposable {
  /** The pods that the floating address has been given to, in statuses. */
  readonly floatedTo: readonly string[];
  readonly stores: Stores;
  readonly server: ApiServer;
  readonly term: Term;
}

/** Begins to lead; returns once every kind is listed. */
async function controller(api: LyingApi, remote: string, way: Way): Promise<Controller> {
  const session = new Session({ remotes: [remote], database: "OVN_Northbound" });
  const ending = new AbortController();
  const client = new KubeClient({ server: api.url, namespace: "default" });
  const server = new ApiServer(client);
  const stores = watchAll(
    client,
    new Set([
      "Node",
      "Namespace",
      "Pod",
      "Service",
      "EndpointSlice",
      "ServiceCIDR",
      "NetworkPolicy",
      "SecurityProfile",
      "FloatingAddress",
      "IPAddressPool",
    ]),
    ending.signal,
    { clock: hurried, server },
  );
  const written: string[] = [];
  const term = termOf({
    ...{ client, server, stores, session, clock: hurried },
    pods: ["10.240.0.0/12"],
    services: ["10.96.0.0/16"],
    isPooled: way !== "assigned",
    router: way === "underlay" ? tenantsRouter : undefined,
    arePortsCarried: true,
    patch: async (patch: AnnotationPatch) => api.annotate(patch),
    writeFloatingStatus: async ({ podName: wanted }, { ips, podName, podUid, nodeName, ready }) => {
      const given = { addresses: ips, podName, podUID: podUid, nodeName };
      const status = { ...given, conditions: [{ type: "Ready", ...ready }] };
      api.put({ plural: "floatingaddresses", object: { ...floatingTo(present(wanted)).object, status } });
      written.push(String(podName));
    },
    conflict: ({ message }) => assert.fail(message),
  });
  session.start();
  await allReady(stores, ending.signal);
  const ended = term.run(ending.signal);
  ended.catch(() => undefined);
  return {
    stores,
    server,
    term,
    floatedTo: written,
    async [Symbol.asyncDispose]() {
      ending.abort(new Error("the controller ends"));
      await ended;
      await session[Symbol.asyncDispose]();
      client[Symbol.dispose]();
    },
  };
}

async function becomes(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await isTrue())) {
    assert.ok(performance.now() < deadline, `waited in vain until ${what}`);
    await pause(5);
  }
}

const listsOf = (stores: Stores): readonly number[] =>
  everyStore(stores).map(({ freshness }) => freshness.lists);

/** The server is known, and what it has said has led to all that it will lead to. */
const isSteady = ({ server, term }: Controller): boolean =>
  server.isProven && server.memory?.cluster === clusterUid && term.appliers.status.heldRows === 0;

export async function tell({ way, lies: said, isRunning, late, watchesGoOn }: Story): Promise<void> {
  await using server = await startOvsdbServer(northboundSchema);
  if (way === "underlay") await makeTenant(server.remote);
  await using api = await LyingApi.start(earlier);
  api.remember();
  for (const { plural, object } of earlier) {
    const { namespace = "", name } = record(object.metadata);
    api.delete(plural, `${String(namespace)}/${String(name)}`);
  }
  for (const one of withoutPods) api.put(one);
  if (way === "assigned") for (const one of assignedPods) api.put(one);
  await using witness = new Witness(server.remote);
  await using ends = new AsyncDisposableStack();
  const first = ends.use(await controller(api, server.remote, way));
  const { pods, addresses, open } = way === "assigned" ? unclaimed : await claims(api);
  for (const one of pods) api.put(one);
  if (way !== "underlay") {
    api.put(pool);
    api.put(floatingTo(String(record((pods[0] ?? present(assignedPods[1])).object.metadata).name)));
  }
  await becomes("the first controller knows its server", () => isSteady(first));
  await becomes("ports are open for the pods that no policy selects", () =>
    open.every((port) => witness.isOpen(port)),
  );
  const lines = (): Promise<ReadonlySet<string>> => witness.lines(addresses);
  if (way !== "underlay") await becomes("a pod has its floating address", () => witness.isTranslated(outer));
  await becomes("its memory is written", async () => {
    await first.term.appliers.settled();
    return [...(await lines())].length > 0 && first.term.acquainted;
  });
  const truth = await lines();
  const floatedTo = first.floatedTo.at(-1);
  // Ready ports come and go.
  witness.keep(truth, way === "assigned" ? "nothing new" : open);
  if (!isRunning) await first[Symbol.asyncDispose]();
  const before = listsOf(first.stores);
  const another = others.find((one) => said === `another server, ${one}`);
  if (another) api.replace(another);
  else if (typeof said !== "string") api.lie(said, late);
  const now = isRunning ? first : ends.use(await controller(api, server.remote, way));
  if (isRunning)
    await becomes("the lies are taken in", () =>
      everyStore(now.stores).every(
        ({ freshness, size }, index) =>
          freshness.lists > (before[index] ?? 0) || size === 0 || isNotTakenIn(said, index),
      ),
    );
  // Several rounds of whatever happens from time to time.
  await pause(600);
  await now.term.appliers.settled();
  assert.deepEqual(witness.harm, []);
  if (another === "same")
    await becomes("what lists all that has rows is trusted", () => now.server.doubt === undefined);
  // Who has believed another identity finds the former one at the next list.
  if (watchesGoOn && another !== "same") api.lieNoMore();
  else api.tellTheTruth();
  await becomes("everything is as before", async () => {
    const after = await lines();
    return isSteady(now) && after.size === truth.size && after.isSubsetOf(truth);
  });
  // Nor did anything go while the server recovered.
  assert.deepEqual(witness.harm, []);
  // The nodes' agents go by the status, and would forget its connections.
  assert.ok(
    [...first.floatedTo.slice(first.floatedTo.indexOf(String(floatedTo))), ...now.floatedTo].every(
      (name) => name === floatedTo,
    ),
  );
  // And a deletion is a deletion again.
  witness.rest();
  api.delete("services", "shop/s5");
  await becomes(
    "a deleted Service goes",
    async () => ![...(await lines())].some((line) => line.includes("10.96.0.5:80")),
  );
}

const unclaimed: Claims = { pods: [], addresses: [], open: [] };

const isNotTakenIn = (said: Story["lies"], index: number): boolean =>
  typeof said !== "string" &&
  ["not served", "stale"].includes(said[Object.values(kinds)[index]?.plural ?? ""] ?? "");
