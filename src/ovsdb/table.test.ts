import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Row } from "./database.ts";
import { Table } from "./table.ts";

const indexes = ["name", "tags", "ids:owner"];

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
    }),
  );
});

test("asking by an index that was not declared is a mistake, not an empty answer", () => {
  assert.throws(() => new Table(["name"]).by("type", "x"), /no index type: the replica has name/);
});
