import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../model/ip.ts";
import { ownership } from "../model/names.ts";
import { northboundScope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import { type GroupLookup, type GroupRows, hasMembers, isExactlyIn } from "./groupRows.ts";

const scope = northboundScope("demo", "global");
const [four, six] = [parseIp("10.244.0.3") ?? assert.fail(), parseIp("fd00::3") ?? assert.fail()];
const place = { name: "demo_pool_n1_3", addresses: [four, six] };
const port = rowUuid("demo", "Logical_Switch_Port", place.name);
const another = rowUuid("demo", "Logical_Switch_Port", "demo_pool_n1_4");

const ids = (owner: string, cluster = "demo"): ReadonlyMap<string, string> =>
  new Map([
    [ownership.cluster, cluster],
    [ownership.owner, owner],
  ]);
const group = (id: string, ports: readonly string[], cluster = "demo") => ({
  name: scope.names.subjects(id),
  ports,
  external_ids: ids(`subject/${id}`, cluster),
});
const set = (id: string, family: 4 | 6, addresses: readonly string[]) => ({
  name: scope.names.peers(id, family),
  addresses,
  external_ids: ids(`peer/${id}`),
});
const groups = { subject: new Set(["a"]), peer: new Map([["p", [four, six]]]) };
const wanted = {
  portGroups: [group("a", [another, port]), group("b", [another])],
  addressSets: [
    set("p", 4, ["10.244.0.3", "10.244.0.4"]),
    set("p", 6, ["fd00::3"]),
    set("q", 4, ["10.244.0.4"]),
  ],
};

/** UUIDs are text, in rows that were made by hand too. */
const asRows = (rows: typeof wanted): GroupRows => rows as unknown as GroupRows;

const cases: readonly (readonly [string, Partial<typeof wanted>, boolean])[] = [
  ["in all of them and in no other", {}, true],
  ["not in its port group", { portGroups: [group("a", [another])] }, false],
  [
    "in a port group that it had with an earlier pod",
    { portGroups: [...wanted.portGroups, group("c", [port])] },
    false,
  ],
  ["not in one family's set", { addressSets: wanted.addressSets.slice(0, 1) }, false],
  ["in a set of an earlier pod", { addressSets: [...wanted.addressSets, set("r", 6, ["fd00::3"])] }, false],
  [
    "in another cluster's group, which is none of ours",
    { portGroups: [...wanted.portGroups, group("c", [port], "guest")] },
    true,
  ],
];
for (const [what, rows, isExact] of cases)
  test(`a port is ${isExact ? "as" : "not as"} wanted when it is ${what}`, () => {
    assert.equal(isExactlyIn(asRows({ ...wanted, ...rows }), scope, place, groups), isExact);
  });

test("a port of a pod that nobody speaks of is in no group", () => {
  const none = { subject: new Set<string>(), peer: new Map<string, never>() };
  assert.ok(isExactlyIn({ portGroups: [], addressSets: [] }, scope, place, none));
  assert.ok(!isExactlyIn(asRows(wanted), scope, place, none));
});

/** The rows of `wanted`; of the ports, only those of this place and of `more` exist. */
const lookup = (more: readonly string[] = []): GroupLookup => {
  const byName = (table: string, rows: readonly { readonly name: string }[]) =>
    new Map(rows.map((row) => [rowUuid("demo", table, row.name), row]));
  const found: { readonly portGroups: unknown; readonly addressSets: unknown } = {
    portGroups: byName("Port_Group", wanted.portGroups),
    addressSets: byName("Address_Set", [...wanted.addressSets, set("q", 6, [])]),
  };
  const { portGroups, addressSets } = found as {
    readonly portGroups: ReadonlyMap<string, ReturnType<GroupLookup["portGroup"]>>;
    readonly addressSets: ReadonlyMap<string, ReturnType<GroupLookup["addressSet"]>>;
  };
  return {
    portGroup: (uuid) => portGroups.get(uuid),
    addressSet: (uuid) => addressSets.get(uuid),
    hasPort: (uuid) => [port, ...more].includes(uuid),
  };
};
const unborn = { ...place, name: "demo_pool_n1_9" };
const memberCases: readonly (readonly [string, "subject" | "peer", string, readonly string[], boolean])[] = [
  ["all whose ports exist", "subject", "a", [], true],
  ["not one whose port exists", "subject", "a", [rowUuid("demo", "Logical_Switch_Port", unborn.name)], false],
  ["another port", "subject", "b", [], false],
  ["not a row", "subject", "c", [], false],
  ["all addresses", "peer", "p", [], true],
  ["another address", "peer", "q", [], false],
  ["a row of one family", "peer", "r", [], false],
];
for (const [what, role, id, more, has] of memberCases)
  test(`a group of ${role}s is ${has ? "complete" : "not complete"} that has ${what}`, () => {
    assert.equal(hasMembers(lookup(more), scope, role, id, [place, unborn]), has);
  });
