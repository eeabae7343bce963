// Random database schemas that ovsdb-server accepts, with a row for each table: names that are words of TypeScript or
// become the same name there, every atomic type with its ranges, enumerations and references, every kind of column.

import fc from "fast-check";
import { exactText } from "../../src/ovsdb/exactJson.ts";
import type { AtomicType } from "../../src/ovsdb/index.ts";

export type AnyAtom = string | number | bigint | boolean;
export type AnyValue = AnyAtom | readonly AnyAtom[] | ReadonlyMap<AnyAtom, AnyAtom> | undefined;

export interface RandomColumn {
  readonly json: object;
  readonly value: AnyValue;
  /** Another value of the same type. */
  readonly other: AnyValue;
}

export interface RandomTable {
  readonly name: string;
  readonly uuid: string;
  readonly columns: ReadonlyMap<string, RandomColumn>;
  readonly json: object;
}

export interface RandomSchema {
  readonly json: object;
  readonly tables: readonly RandomTable[];
}

interface Shape {
  readonly type: object;
  readonly value: AnyValue;
  readonly other: AnyValue;
}

interface Base {
  readonly json: object;
  readonly atom: fc.Arbitrary<AnyAtom>;
}

const types: readonly AtomicType[] = ["integer", "real", "boolean", "string", "uuid"];
const tableNames = [
  "Port",
  "port",
  "Logical_Port",
  "LogicalPort",
  "class",
  "Map",
  "A1",
  "x_1",
  "Row",
  "Ref",
  "Database",
];
/** Not the names of an object's own members, like `constructor`: TypeScript finds them in every object. */
const columnNames = ["name", "class", "delete", "a", "A", "a_b", "length", "size", "keys", "x1"];

/** No more precise than ovsdb-server prints: 15 digits. JSON has only one zero. */
const anyReal: fc.Arbitrary<number> = fc
  .double({ min: -1.7e308, max: 1.7e308, noNaN: true })
  .map((real) => (Math.abs(real) < 3e-308 ? 0 : Number(real.toPrecision(15))));

/** Beyond what a number holds exactly. */
const largeInteger: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
);

const anyText: fc.Arbitrary<string> = fc
  .string({ unit: "binary", maxLength: 8 })
  .filter((text) => !text.includes("\0"));

export const atomOf: Readonly<Record<AtomicType, fc.Arbitrary<AnyAtom>>> = {
  integer: fc.oneof(fc.maxSafeInteger(), largeInteger),
  real: anyReal,
  boolean: fc.boolean(),
  string: anyText,
  uuid: fc.uuid(),
};

const wire = (type: AtomicType, atom: AnyAtom): unknown => (type === "uuid" ? ["uuid", atom] : atom);

/** A base of any type, with or without a constraint. `uuids`: table -> its row. */
function baseOf(uuids: ReadonlyMap<string, string>): fc.Arbitrary<Base> {
  const plain = (type: AtomicType): fc.Arbitrary<Base> => fc.constant({ json: { type }, atom: atomOf[type] });
  const enumeration = (type: AtomicType): fc.Arbitrary<Base> =>
    fc.uniqueArray(atomOf[type], { minLength: 1, maxLength: 4 }).map((atoms) => ({
      json: {
        type,
        enum: atoms.length === 1 ? wire(type, atoms[0] ?? 0) : ["set", atoms.map((atom) => wire(type, atom))],
      },
      atom: fc.constantFrom(...atoms),
    }));
  const integers = fc.tuple(fc.integer(), fc.nat()).map(([least, more]) => ({
    json: { type: "integer", minInteger: least, maxInteger: least + more },
    atom: fc.integer({ min: least, max: least + more }),
  }));
  const reals = fc.tuple(fc.integer(), fc.nat()).map(([least, more]) => ({
    json: { type: "real", minReal: least, maxReal: least + more + 1 },
    atom: fc.integer({ min: least, max: least + more }).map((real) => real + 0.5),
  }));
  const texts = fc.tuple(fc.nat(3), fc.nat(3)).map(([least, more]) => ({
    json: { type: "string", minLength: least, maxLength: least + more },
    atom: fc.string({ minLength: least, maxLength: least + more }),
  }));
  const references = fc
    .tuple(fc.constantFrom(...uuids), fc.constantFrom("strong", "weak"))
    .map(([[refTable, uuid], refType]) => ({
      json: { type: "uuid", refTable, refType },
      atom: fc.constant(uuid),
    }));
  const any = fc.constantFrom(...types);
  return fc.oneof(any.chain(plain), any.chain(enumeration), integers, reals, texts, references);
}

function columnOf(uuids: ReadonlyMap<string, string>): fc.Arbitrary<RandomColumn> {
  const size = fc.constantFrom<number | "unlimited">(2, 3, "unlimited");
  const least = fc.constantFrom(0, 1);
  const most = (max: number | "unlimited"): number => (max === "unlimited" ? 5 : max);
  const any = baseOf(uuids);
  const twice = (type: object, value: fc.Arbitrary<AnyValue>): fc.Arbitrary<Shape> =>
    fc.tuple(value, value).map(([first, other]) => ({ type, value: first, other }));
  const shape: fc.Arbitrary<Shape> = fc.oneof(
    any.chain(({ json, atom }) => twice({ key: json }, atom)),
    any.chain(({ json, atom }) => twice({ key: json, min: 0 }, fc.option(atom, { nil: undefined }))),
    fc
      .tuple(any, least, size)
      .chain(([{ json, atom }, min, max]) =>
        twice({ key: json, min, max }, fc.uniqueArray(atom, { minLength: min, maxLength: most(max) })),
      ),
    fc.tuple(any, any, least, size).chain(([key, value, min, max]) =>
      twice(
        { key: key.json, value: value.json, min, max },
        fc
          .uniqueArray(fc.tuple(key.atom, value.atom), {
            minLength: min,
            maxLength: most(max),
            selector: ([name]) => name,
          })
          .map((entries) => new Map(entries)),
      ),
    ),
  );
  return fc.tuple(shape, fc.boolean()).map(([{ type, value, other }, fixed]) => ({
    // A weak reference must be mutable.
    json: { type, ...(fixed && !exactText(type).includes('"weak"') && { mutable: false }) },
    value,
    other,
  }));
}

function tableOf(name: string, uuids: ReadonlyMap<string, string>): fc.Arbitrary<RandomTable> {
  const columns = fc
    .uniqueArray(fc.tuple(fc.constantFrom(...columnNames), columnOf(uuids)), {
      minLength: 1,
      maxLength: 5,
      selector: ([column]) => column,
    })
    .map((entries) => new Map(entries));
  return fc.tuple(columns, fc.boolean()).map(([all, indexed]) => ({
    name,
    uuid: uuids.get(name) ?? "",
    columns: all,
    json: {
      isRoot: true,
      columns: Object.fromEntries([...all].map(([column, { json }]) => [column, json])),
      ...(indexed && { indexes: [[...all.keys()].slice(0, 2)] }),
    },
  }));
}

export const randomSchema: fc.Arbitrary<RandomSchema> = fc
  .uniqueArray(fc.constantFrom(...tableNames), { minLength: 1, maxLength: 4 })
  .chain((names) => {
    const uuids = new Map(
      names.map((name, index) => [name, `00000000-0000-4000-8000-00000000000${index}`] as const),
    );
    return fc.tuple(...names.map((name) => tableOf(name, uuids)));
  })
  .map((tables) => ({
    json: {
      name: "Random",
      version: "1.0.0",
      tables: Object.fromEntries(tables.map(({ name, json }) => [name, json])),
    },
    tables,
  }));
