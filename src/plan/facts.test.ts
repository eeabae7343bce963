import assert from "node:assert/strict";
import { test } from "node:test";
import { northboundScope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import { FactList, mapOf } from "./facts.ts";

const scope = northboundScope("demo", "global");

test("a row carries the cluster and the owner, beside what the plan states", () => {
  const facts = new FactList(scope, "pod/shop/web-1");
  facts.row("Logical_Switch_Port", "web-1", { name: "web-1", external_ids: mapOf({ pod: "true" }) });
  const [fact] = facts.facts;
  assert.ok(fact?.kind === "row");
  assert.deepEqual(
    fact.columns.get("external_ids"),
    new Map([
      ["pod", "true"],
      ["weft.io/cluster", "demo"],
      ["weft.io/owner", "pod/shop/web-1"],
    ]),
  );
  assert.equal(fact.uuid, rowUuid("demo", "Logical_Switch_Port", "web-1"));
  assert.deepEqual(fact.destination, { zone: "global", database: "OVN_Northbound" });
});

test("a table without external_ids gets none", () => {
  const facts = new FactList(scope, "cluster");
  facts.row("Load_Balancer_Group", "services", { name: "services" });
  const [fact] = facts.facts;
  assert.deepEqual(fact?.kind === "row" && [...fact.columns.keys()], ["name"]);
});

test("sets are sorted and absent columns left out", () => {
  const facts = new FactList(scope, "cluster");
  facts.row("Logical_Router_Port", "p", { name: "p", mac: "m", networks: ["b/1", "a/1"], peer: undefined });
  const [fact] = facts.facts;
  assert.ok(fact?.kind === "row");
  assert.deepEqual(fact.columns.get("networks"), ["a/1", "b/1"]);
  assert.equal(fact.columns.has("peer"), false);
});

test("a member names the row it is added to, no matter who plans that row", () => {
  const facts = new FactList(scope, "pod/shop/web-1");
  const port = facts.row("Logical_Switch_Port", "web-1", { name: "web-1" });
  facts.member("Logical_Switch", facts.ref("Logical_Switch", "n1"), "ports", port);
  const { destination } = scope;
  const uuid = rowUuid("demo", "Logical_Switch", "n1");
  assert.deepEqual(facts.facts[1], {
    kind: "member",
    destination,
    table: "Logical_Switch",
    uuid,
    column: "ports",
    value: port,
  });
});
