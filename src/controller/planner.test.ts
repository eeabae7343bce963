import assert from "node:assert/strict";
import { test } from "node:test";
import { NotNow } from "../decide/errors.ts";
import type { Absence } from "../desired/absence.ts";
import { Desired } from "../desired/desired.ts";
import type { AnyOwnerKind, Planned } from "../kinds/kind.ts";
import { emptyStore, storesOf } from "../kube/stores.ts";
import type { Fact } from "../model/fact.ts";
import { northboundScope } from "../model/scope.ts";
import { FactList } from "../plan/facts.ts";
import { Hosts } from "../plan/hosts.ts";
import { Planner } from "./planner.ts";

const scope = northboundScope("demo", "global");

const switchFacts = (zone: string): readonly Fact[] => {
  const facts = new FactList(northboundScope("demo", zone), "node/n1");
  facts.row("Logical_Switch", "n1", { name: "n1" });
  return facts.facts;
};

/** A planner for one kind of owner whose plan is `said.now`, and what has come of it. */
function world(
  said: { now: Planned; absence?: Absence; hasRows?: false; outdated?: string | undefined },
  release?: () => void,
) {
  const desired = new Desired();
  const told: string[] = [];
  const sought: string[] = [];
  const commits = Promise.withResolvers<void>();
  const stores = storesOf(emptyStore);
  const kind: AnyOwnerKind = { name: "node", of: "Node", reads: {}, tables: [], plan: () => said.now };
  const planner = new Planner({
    kinds: [kind],
    decides: release ? [{ kind: "node", reads: {}, decide: async () => ({ release }) }] : [],
    // The kind asks for nothing else.
    context: { scope, stores, hosts: new Hosts([]) } as never,
    desired,
    applied: {
      committed: () => commits.promise,
      hasRows: () => said.hasRows ?? true,
      served: () => new Set(["global/OVN_Northbound"]),
    },
    absence: async () => said.absence ?? "missing",
    outdated: () => said.outdated,
    seek: (owner, { selector }) => sought.push(`${owner} ${selector}`),
    onReleaseEnded: (_, error) => assert.fail(String(error)),
    tell: {
      refused: (_, reason) => told.push(reason),
      conflict: ({ message }) => told.push(message),
      fellShort: ({ name, uid }, _, message) => told.push(`${name} ${uid}: ${message}`),
    },
  });
  const node = (uid = "uid"): void =>
    stores.Node.apply([
      {
        type: "put",
        object: {
          kind: "Node",
          namespace: "",
          name: "n1",
          uid,
          resourceVersion: "1",
          labels: {},
          annotations: {},
          deletionTimestamp: undefined,
          internalIps: [],
          networkUnavailable: false,
          allocatable: { pods: 0, cpus: 0, memoryBytes: 0 },
        },
      },
    ]);
  return { planner, desired, told, sought, commits, node };
}

test("a fact about a destination that nothing serves is an error that names the owner, and nothing is stated", async () => {
  const { planner, desired } = world({ now: { facts: switchFacts("far") } });
  await assert.rejects(
    planner.plan("node/n1"),
    /^Error: node\/n1 states facts about far\/OVN_Northbound, which is not served here; served: global\/OVN_Northbound$/,
  );
  assert.deepEqual(desired.factsOf("node/n1"), []);
});

test("an owner of no known kind is an error", async () => {
  await assert.rejects(
    world({ now: "as before" }).planner.plan("pod/shop/web"),
    /no kind of owner is called "pod"/,
  );
});

test("an owner that cannot be planned now keeps its facts, and its object is told why", async () => {
  const said: { now: Planned } = { now: { facts: switchFacts("global") } };
  const { planner, desired, told, node } = world(said);
  node();
  await planner.plan("node/n1");
  said.now = { notNow: "no router yet" };
  await assert.rejects(planner.plan("node/n1"), NotNow);
  said.now = { notNow: "passes by itself", isUsual: true };
  await assert.rejects(planner.plan("node/n1"), NotNow);
  said.now = "as before";
  await planner.plan("node/n1");
  assert.equal(desired.factsOf("node/n1").length, 1);
  assert.deepEqual(told, ["no router yet"]);
});

test("an object beyond a limit is told once, until it is within it again or replaced", async () => {
  const said: { now: Planned } = { now: "as before" };
  const { planner, told, node } = world(said);
  node();
  for (const leftOut of ["a", "b", undefined, "c"]) {
    said.now = { facts: [], leftOut };
    await planner.plan("node/n1");
  }
  node("another");
  await planner.plan("node/n1");
  assert.deepEqual(told, ["n1 uid: a", "n1 uid: c", "n1 another: c"]);
});

test("an object that makes no sense is told again when it makes no sense in another way", async () => {
  const said: { now: Planned } = { now: "as before" };
  const { planner, told, node } = world(said);
  node();
  for (const malformed of ["a", "a", "b"]) {
    said.now = { facts: [], malformed };
    await planner.plan("node/n1");
  }
  assert.deepEqual(told, ["n1 uid: a", "n1 uid: b"]);
});

test("until an owner has stated something, a plan that fails or waits keeps the rows that it has", async () => {
  const said: { now: Planned } = { now: { notNow: "no router yet" } };
  const { planner, desired, node } = world(said);
  node();
  await assert.rejects(planner.plan("node/n1"), NotNow);
  assert.equal(desired.absenceOf("node/n1"), "unplanned");
  said.now = { facts: [] };
  await planner.plan("node/n1");
  assert.equal(desired.absenceOf("node/n1"), "confirmed");
  said.now = "as before";
  await planner.plan("node/n1");
  assert.equal(desired.absenceOf("node/n1"), "unplanned");
});

test("whoever has no rows has nothing to keep, and is nobody whose rows others may be", async () => {
  const said = { now: { notNow: "no address left" }, hasRows: false } as const;
  const { planner, desired, node } = world(said);
  node();
  await assert.rejects(planner.plan("node/n1"), NotNow);
  assert.deepEqual([desired.absenceOf("node/n1"), desired.leastSureAbsence()], ["missing", "missing"]);
});

test("a doubt of the plan counts until the owner has once spoken for itself", async () => {
  const said: { now: Planned } = { now: { facts: switchFacts("global"), doubt: "untrusted" } };
  const { planner, desired, node } = world(said);
  node();
  for (const [now, absence, isConfirmed] of [
    [said.now, "untrusted", false],
    [said.now, "untrusted", undefined],
    [{ facts: switchFacts("global") }, "confirmed", undefined],
    [said.now, "confirmed", undefined],
    [{ facts: [], doubt: "missing" }, "missing", true],
  ] as const) {
    said.now = now;
    await planner.plan("node/n1");
    assert.equal(desired.absenceOf("node/n1"), absence);
    const marks = [...desired.database(scope.destination).takeDirty().rows.values()];
    assert.equal(marks[0]?.isConfirmed, isConfirmed);
  }
});

test("what a plan lacks is sought, until the owner has once spoken for itself", async () => {
  const lacks = { kind: "EndpointSlice", namespace: "shop", selector: "a=b" } as const;
  const said: { now: Planned } = { now: { facts: [], doubt: "untrusted", lacks } };
  const { planner, sought, node } = world(said);
  node();
  await planner.plan("node/n1");
  await planner.plan("node/n1");
  assert.deepEqual(sought, ["node/n1 a=b", "node/n1 a=b"]);
  said.now = { facts: switchFacts("global") };
  await planner.plan("node/n1");
  said.now = { facts: [], doubt: "untrusted", lacks };
  await planner.plan("node/n1");
  assert.equal(sought.length, 2);
});

test("an object that only rows are known of is asked for, and its absence decides about the rows", async () => {
  for (const absence of ["confirmed", "missing", "untrusted"] as const) {
    const said: { now: Planned; absence?: Absence } = { now: { facts: [] }, absence };
    const { planner, desired, node } = world(said);
    await planner.plan("node/n1");
    assert.equal(desired.absenceOf("node/n1"), "missing", "nobody knows of rows");
    planner.foundRowsOf("node/n1");
    await planner.plan("node/n1");
    assert.equal(desired.absenceOf("node/n1"), absence);
    node();
    await planner.plan("node/n1");
    assert.equal(desired.absenceOf("node/n1"), "confirmed", "the object exists and states nothing");
  }
});

test("what was chosen is released when the owner is committed, not before", async () => {
  let released = 0;
  const { planner, commits } = world({ now: { facts: [] } }, () => released++);
  await planner.plan("node/n1");
  assert.equal(released, 0);
  commits.resolve();
  await commits.promise;
  await Promise.resolve();
  assert.equal(released, 1);
});

test("what is planned from outdated objects waits, and is planned when it is asked for", async () => {
  const said: { now: Planned; outdated?: string } = { now: { facts: switchFacts("global") } };
  const { planner, desired, node } = world(said);
  node();
  said.outdated = "another cluster's";
  await assert.rejects(planner.plan("node/n1"), /another cluster's/);
  assert.deepEqual([desired.factsOf("node/n1"), desired.absenceOf("node/n1")], [[], "unplanned"]);
  delete said.outdated;
  assert.deepEqual(planner.takePutOff(), ["node/n1"]);
  await planner.plan("node/n1");
  assert.deepEqual([desired.factsOf("node/n1").length, planner.takePutOff()], [1, []]);
});
