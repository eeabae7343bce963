import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Row } from "./database.ts";
import type { ValuesOf } from "./rows.ts";
import { Table, TableChange } from "./table.ts";

const nameAndTag: ValuesOf = ({ name, tags }) =>
  (Array.isArray(tags) ? tags : []).map((tag) => JSON.stringify([name, tag]));
const indexes = ["name", "tags", "ids:owner", nameAndTag];

const row = fc.record({
  _uuid: fc.integer({ min: 0, max: 9 }).map((n) => `uuid-${n}`),
  name: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
  tags: fc.uniqueArray(fc.integer({ min: 0, max: 3 })),
  ids: fc
    .dictionary(fc.constantFrom("owner", "other"), fc.constantFrom("x", "y"))
    .map((ids) => new Map(Object.entries(ids))),
});

const names = (rows: Iterable<Row>): string[] => [...rows].map(({ _uuid }) => _uuid).sort();

test("after any changes an index finds what a look at every row finds", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), row)), (changes) => {
      const table = new Table(indexes);
      const model = new Map<string, (typeof changes)[0][1]>();
      for (const [remove, next] of changes) {
        table.replace(table.get(next._uuid), remove ? undefined : next);
        if (remove) model.delete(next._uuid);
        else model.set(next._uuid, next);
      }
      const rows = [...model.values()];
      assert.equal(table.size, model.size);
      assert.deepEqual(names(table.values()), names(rows));
      for (const name of ["a", "b", "c"])
        assert.deepEqual(names(table.by("name", name)), names(rows.filter((found) => found.name === name)));
      for (const tag of [0, 1, 2, 3])
        assert.deepEqual(names(table.by("tags", tag)), names(rows.filter(({ tags }) => tags.includes(tag))));
      for (const owner of ["x", "y"])
        assert.deepEqual(
          names(table.by("ids:owner", owner)),
          names(rows.filter(({ ids }) => ids.get("owner") === owner)),
        );
      assert.deepEqual(
        names(table.by(nameAndTag, '["a",0]')),
        names(rows.filter(({ name, tags }) => name === "a" && tags.includes(0))),
      );
    }),
  );
});

test("readers see all of a large change or nothing of it, also while it is settled and when that is interrupted", () => {
  fc.assert(
    fc.property(fc.array(row), fc.array(fc.tuple(fc.boolean(), row)), fc.nat(9), (first, changes, steps) => {
      const [table, expected] = [new Table(indexes), new Table(indexes)];
      for (const each of first) for (const one of [table, expected]) one.replace(one.get(each._uuid), each);
      const change = new TableChange(indexes);
      for (const [remove, next] of new Map(changes.map((each) => [each[1]._uuid, each])).values()) {
        change.put(next._uuid, table.get(next._uuid), remove ? undefined : next);
        expected.replace(expected.get(next._uuid), remove ? undefined : next);
      }
      const seen = (one: Table): unknown => [
        one.size,
        names(one.values()),
        Array.from({ length: 10 }, (_, n) => one.get(`uuid-${n}`)),
        ["a", "b", "c"].map((name) => names(one.by("name", name))),
        [0, 1, 2, 3].map((tag) => names(one.by("tags", tag))),
        ["x", "y"].map((owner) => names(one.by("ids:owner", owner))),
      ];
      table.change(change);
      assert.deepEqual(seen(table), seen(expected));
      const interrupted = table.settle();
      for (let step = 0; step < steps; step++) {
        interrupted.next();
        assert.deepEqual(seen(table), seen(expected));
      }
      for (const _ of table.settle()) assert.deepEqual(seen(table), seen(expected));
      assert.deepEqual(seen(table), seen(expected));
    }),
  );
});

test("asking by an index that was not declared is a mistake, not an empty answer", () => {
  assert.throws(() => new Table(["name"]).by("type", "x"), /no index type: the replica has name/);
});
