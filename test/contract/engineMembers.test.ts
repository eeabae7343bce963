// A set so large that the replica keeps it in pieces, and changes to it by facts and by others.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fact } from "../../src/model/fact.ts";
import { FactList } from "../../src/plan/facts.ts";
import {
  bounded,
  mended,
  openSession,
  type Running,
  refOf,
  scope,
  transaction,
  wholeReplica,
  withEngine,
} from "./engineWorld.ts";

const size = 3_000;
const table = "Address_Set";
const uuid = refOf(table, "set");

const addressOf = (index: number): string => `10.0.${index >> 8}.${index & 255}`;
const addresses = Array.from({ length: size }, (_, index) => addressOf(index));

function podFacts(index: number, address = addressOf(index)): readonly Fact[] {
  const facts = new FactList(scope, `pod/${index}`);
  facts.member(table, uuid, "addresses", address);
  return facts.facts;
}

const found = (running: Running): readonly string[] =>
  (running.replica.table(table).get(uuid)?.addresses ?? []).toSorted();

async function fill(running: Running): Promise<void> {
  const facts = new FactList(scope, "cluster");
  facts.row(table, "set", { name: "demo_set" });
  running.desired.replace("cluster", facts.facts);
  for (let index = 0; index < size; index++) running.desired.replace(`pod/${index}`, podFacts(index));
  await running.engine.settled();
  assert.deepEqual(found(running), addresses.toSorted());
}

test("members of a large set come and go by facts, and a second copy agrees", bounded, () =>
  withEngine({}, async (running, _other, remote) => {
    await fill(running);
    running.desired.replace("pod/7", podFacts(7, "10.9.9.9"));
    running.desired.remove("pod/8");
    await running.engine.settled();
    const wanted = [...addresses.filter((_, index) => index !== 7 && index !== 8), "10.9.9.9"].toSorted();
    assert.deepEqual(found(running), wanted);
    assert.deepEqual(
      running.committed.slice(-1).map(({ drift, operations }) => [drift, operations]),
      [[0, 3]],
    );
    await using session = openSession(remote);
    const replica = wholeReplica(session);
    await replica.ready();
    assert.deepEqual(replica.table(table).get(uuid)?.addresses.toSorted(), wanted);
    assert.deepEqual((await running.engine.dryRun()).transactions, []);
  }),
);

test("what others do to a large set is repaired, member by member or as a whole", bounded, () =>
  withEngine({}, async (running, other) => {
    await fill(running);
    const deeds = [
      transaction().mutateSet(table, uuid, "addresses", "delete", addresses.slice(5, 8)),
      transaction().mutateSet(table, uuid, "addresses", "insert", ["192.0.2.1"]),
      transaction().update(table, uuid, { addresses: ["192.0.2.1", addressOf(9)] }),
      transaction().update(table, uuid, { addresses: [], name: "other" }),
      transaction().delete(table, uuid),
    ];
    for (const deed of deeds) {
      await other.transact(deed);
      await mended(running, other);
      assert.deepEqual(found(running), addresses.toSorted(), String(deed));
    }
  }),
);
