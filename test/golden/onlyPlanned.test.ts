// A process may plan and decide nothing, such as one that plans a part of the cluster: what was decided is written on the
// objects, and a plan needs nothing else of it.

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { OwnNodes } from "../../src/cloud/ownNodes.ts";
import { Grouping } from "../../src/controller/grouping.ts";
import { LearnedNames } from "../../src/controller/learnedNames.ts";
import { Planner } from "../../src/controller/planner.ts";
import { type Places, resolvedNode, wantsAddress } from "../../src/decide/places.ts";
import { Desired } from "../../src/desired/desired.ts";
import { ownerKinds } from "../../src/kinds/kinds.ts";
import { chassisIdOf, nodeIdOf, nodeSubnetsOf, podNetworkOf } from "../../src/kube/annotations.ts";
import { silent, systemClock } from "../../src/kube/clock.ts";
import type { KubeObject } from "../../src/kube/kinds.ts";
import type { Stores } from "../../src/kube/stores.ts";
import { destinationId, type Fact } from "../../src/model/fact.ts";
import type { Owner } from "../../src/model/owner.ts";
import { Hosts, hostViewOf } from "../../src/plan/hosts.ts";
import { noPorts, type PlannedCase, plannedCase, storesWith } from "./plannedCase.ts";

const folder = new URL("cases/", import.meta.url);
const cases = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

/** Pools are planned where they are decided (docs/decisions/0019); floating addresses are written in a status. */
const notInAnnotations = /^(floating|pooled|underlay|security-profiles-underlay)/;

for (const name of cases.filter((each) => !notInAnnotations.test(each)))
  test(`annotations alone give the facts of ${name}`, async () => {
    const decided = await plannedCase(new URL(name, folder));
    const planned = await plannedFromAnnotations(decided);
    for (const [owner, facts] of decided.plans)
      assert.deepEqual(sorted(planned.get(owner)), sorted(facts), owner);
  });

/** Plans what was planned, with stores in which the objects carry what was chosen for them. */
async function plannedFromAnnotations(decided: PlannedCase): Promise<ReadonlyMap<Owner, readonly Fact[]>> {
  const { scope, network, objects, chosen, plans } = decided;
  const stores = storesWith(objects.map((object) => withAnnotations(object, chosen.get(object.uid))));
  const places = placesIn(stores);
  const hosts = new Hosts(network.pods.map(({ cidr }) => cidr));
  for (const node of places.nodes()) hosts.set(node.name, hostViewOf(node));
  const grouping = new Grouping({
    ...{ stores, places, names: scope.names, podRanges: network.pods.map(({ cidr }) => cidr) },
    enqueue: () => undefined,
    planned: async () => undefined,
    withRows: () => [],
    now: () => performance.now(),
    onError: (error) => assert.fail(String(error)),
  });
  await grouping.begin(AbortSignal.timeout(10_000));
  const learned = new LearnedNames({
    ...{ stores, network, places, groups: grouping.groups, enqueue: () => undefined },
    observed: { hasMembers: () => true, ports: noPorts },
    installed: undefined,
    write: undefined,
    clock: { ...systemClock, after: () => () => undefined },
    log: silent,
    signal: new AbortController().signal,
  });
  const desired = new Desired();
  const planner = new Planner({
    kinds: ownerKinds,
    decides: [],
    context: {
      ...{ scope, network, stores, places, hosts, groups: grouping.groups },
      cloud: new OwnNodes(scope, network, false),
      learned: (group) => learned.addresses(group),
      standingOf: (pod) => grouping.standings.of(pod),
      machinePort: () => ({ problem: "there are no machines" }),
      gone: () => new Map(),
    },
    desired,
    applied: {
      committed: () => new Promise(() => undefined),
      hasRows: () => false,
      served: () => new Set([destinationId(scope.destination)]),
    },
    absence: async () => "confirmed",
    outdated: () => undefined,
    seek: () => undefined,
    tell: {
      refused: () => undefined,
      conflict: ({ message }) => assert.fail(message),
      fellShort: () => undefined,
    },
    onReleaseEnded: (_, error) => assert.fail(String(error)),
  });
  for (const owner of plans.keys()) await planner.plan(owner);
  return new Map([...desired.owners()].map((owner) => [owner, desired.factsOf(owner)]));
}

/** The order of a pod's groups has no meaning. */
const sorted = (facts: readonly Fact[] = []): readonly Fact[] =>
  facts.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));

const keyOf = (fact: Fact): string =>
  [fact.table, fact.uuid, ...(fact.kind === "member" ? [fact.column, fact.value] : [])].join(" ");

const withAnnotations = (object: KubeObject, values: Readonly<Record<string, string>> = {}): KubeObject => ({
  ...object,
  annotations: { ...object.annotations, ...values },
});

function placesIn({ Node, Pod }: Stores): Places {
  const nodes = new Map(
    [...Node.values()].flatMap((node) => {
      const [id, subnets] = [nodeIdOf(node), nodeSubnetsOf(node)];
      if (id === undefined || !subnets) return [];
      return [[node.name, resolvedNode(node, { id, subnets }, chassisIdOf(node))] as const];
    }),
  );
  // One answer for each pod, as from whoever decides.
  const pods = new Map(
    [...Pod.values()].flatMap((pod) => {
      const network = podNetworkOf(pod);
      return network && wantsAddress(pod) ? [[pod, { network, ownPort: true }] as const] : [];
    }),
  );
  return {
    node: (name) => nodes.get(name),
    nodes: () => nodes.values(),
    isProven: () => false,
    pod: (pod) => pods.get(pod),
    isBetweenMirrors: () => false,
    pool: () => undefined,
    floating: () => undefined,
  };
}
