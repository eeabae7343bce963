import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeColumn, defaultOf, encodeColumn } from "./codec.ts";
import { type Atom, type ColumnValue, sameValue } from "./columnValue.ts";
import { OvsdbError } from "./errors.ts";
import { exactText, parseExactly } from "./exactJson.ts";
import { type AtomicType, type ColumnSchema, parseSchema } from "./schema.ts";

const atomicTypes: readonly AtomicType[] = ["integer", "real", "boolean", "string", "uuid"];

function column(type: unknown): ColumnSchema {
  const schema = parseSchema({ name: "Db", tables: { T: { columns: { c: { type } } } } });
  const found = schema.tables.get("T")?.columns.get("c");
  assert(found);
  return found;
}

function atomOf(type: AtomicType): fc.Arbitrary<Atom> {
  switch (type) {
    case "integer":
      return fc.oneof(
        fc.maxSafeInteger(),
        fc
          .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
          .filter((integer) => !Number.isSafeInteger(Number(integer))),
      );
    case "real":
      // JSON has one zero. What is smaller or larger is refused.
      return fc
        .double({ min: -1.7e308, max: 1.7e308, noNaN: true })
        .map((real) => (Math.abs(real) < 3e-308 ? 0 : real));
    case "boolean":
      return fc.boolean();
    case "string":
      return fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
    case "uuid":
      return fc.uuid();
  }
}

const anyType = fc.constantFrom(...atomicTypes);
const least = fc.constantFrom(0, 1);
const unlimited = { min: 0, max: "unlimited" };

/** Any column type with any value of it. */
const typed: fc.Arbitrary<readonly [ColumnSchema, ColumnValue]> = fc.oneof(
  anyType.chain((type) => atomOf(type).map((value) => [column(type), value] as const)),
  anyType.chain((type) =>
    fc
      .option(atomOf(type), { nil: undefined })
      .map((value) => [column({ key: type, min: 0 }), value] as const),
  ),
  fc
    .tuple(anyType, least)
    .chain(([type, min]) =>
      fc
        .uniqueArray(atomOf(type), { minLength: min })
        .map((value) => [column({ key: type, min, max: "unlimited" }), value] as const),
    ),
  fc
    .tuple(anyType, anyType, least)
    .chain(([key, value, min]) =>
      fc
        .array(fc.tuple(atomOf(key), atomOf(value)), { minLength: min })
        .map((entries) => [column({ key, value, min, max: "unlimited" }), new Map(entries)] as const),
    ),
);

test("a value of any column type comes back from the wire as it went", () => {
  fc.assert(
    fc.property(typed, ([schema, value]) => {
      const wire: unknown = parseExactly(exactText(encodeColumn(value, schema)));
      assert(sameValue(decodeColumn(wire, schema), value));
    }),
    { numRuns: 2000 },
  );
});

test("the default of any column type can be sent and comes back", () => {
  fc.assert(
    fc.property(typed, ([schema]) => {
      assert.deepEqual(decodeColumn(encodeColumn(defaultOf(schema), schema), schema), defaultOf(schema));
    }),
  );
});

test("what a hostile server sends for a column is a value or a protocol error, nothing else", () => {
  fc.assert(
    fc.property(typed, fc.jsonValue(), ([schema], wire) => {
      try {
        decodeColumn(wire, schema);
      } catch (error) {
        assert(error instanceof OvsdbError && error.code === "protocol error");
      }
    }),
  );
});

test("a value that does not fit its column is never sent", () => {
  const refused: readonly (readonly [unknown, ColumnValue])[] = [
    ["string", 1],
    ["string", "with\0NUL"],
    ["string", "broken \ud800"],
    ["string", undefined],
    ["string", ["one"]],
    ["integer", 1.5],
    ["integer", 2 ** 53],
    ["integer", 2n ** 63n],
    ["real", 1n],
    ["uuid", "AAAAAAAA-0000-4000-8000-000000000000"],
    ["real", Number.NaN],
    ["real", Number.POSITIVE_INFINITY],
    ["real", Number.MAX_VALUE],
    ["real", Number.MIN_VALUE],
    ["real", -(2 ** -1022)],
    ["boolean", "true"],
    ["uuid", "not-a-uuid"],
    [{ key: "string", min: 0 }, ["one", "two"]],
    [{ key: "string", ...unlimited }, "bare"],
    [{ key: "string", ...unlimited }, new Map()],
    [{ key: "string", value: "string", ...unlimited }, []],
    [{ key: "string", value: "integer", ...unlimited }, new Map([["a", "b"]])],
  ];
  for (const [type, value] of refused)
    assert.throws(() => encodeColumn(value, column(type)), { code: "invalid value" });
});

test("an optional column takes an empty set for absent and a set of one for present", () => {
  const optional = column({ key: "integer", min: 0 });
  assert.deepEqual(encodeColumn([], optional), ["set", []]);
  assert.deepEqual(encodeColumn([7], optional), ["set", [7]]);
  assert.equal(decodeColumn(["set", [7]], optional), 7);
});

test("a bare atom from the wire is a set of one", () => {
  assert.deepEqual(decodeColumn("a", column({ key: "string", ...unlimited })), ["a"]);
});

test("an integer is a number where that is exact, in whatever form it was written", () => {
  const integer = column("integer");
  assert.equal(encodeColumn(7n, integer), 7);
  assert.equal(decodeColumn(2n ** 53n - 1n, integer), 2 ** 53 - 1);
  assert.equal(decodeColumn(2n ** 53n, integer), 2n ** 53n);
  assert.equal(decodeColumn(1e18, integer), 10n ** 18n);
  assert.throws(() => decodeColumn(2n ** 63n, integer), { code: "protocol error" });
  assert.throws(() => decodeColumn(1e30, integer), { code: "protocol error" });
});

test("there is one zero", () => {
  for (const type of ["integer", "real"]) assert(Object.is(decodeColumn(-0, column(type)), 0));
});
