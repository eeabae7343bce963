// For tests of the engine's pure parts: a world made of facts and of rows given as plain objects.

import { Desired } from "../desired/desired.ts";
import { Part } from "../desired/part.ts";
import type { Atom, ColumnValue, Destination, Fact, MemberFact, RowFact } from "../model/fact.ts";
import { ownership } from "../model/names.ts";
import { northbound } from "../ovn/northbound.gen.ts";
import type { Row, TableView } from "../ovsdb/index.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import { atomicGroups } from "./atomicGroup.ts";
import type { Change } from "./change.ts";
import { RowDiff } from "./diff.ts";
import { type World, worldOf } from "./world.ts";

export const destination: Destination = { zone: "global", database: "OVN_Northbound" };
const ids = new Map([[ownership.cluster, "demo"]]);

/** Rows by table. In tables with external_ids they are Weft's unless they bring their own. */
export type Rows = Readonly<Record<string, readonly Row[]>>;

export const row = (table: string, uuid: string, columns: Record<string, ColumnValue> = {}): RowFact => ({
  kind: "row",
  destination,
  table,
  uuid,
  columns: new Map(Object.entries({ external_ids: ids, ...columns })),
});

export const member = (table: string, uuid: string, column: string, value: Atom, key?: Atom): MemberFact => ({
  kind: "member",
  destination,
  table,
  uuid,
  column,
  value,
  ...(key !== undefined && { key }),
});

/** A row of Weft's, as the replica has it. */
export const ours = (uuid: string, columns: Record<string, Row[string]> = {}): Row => ({
  _uuid: uuid,
  external_ids: ids,
  ...columns,
});

/** A row of another writer. */
export const theirs = (uuid: string, columns: Record<string, Row[string]> = {}): Row =>
  ours(uuid, { external_ids: new Map(), ...columns });

/** A world with the facts of `owners` and with `rows`. */
export function worldWith(owners: Readonly<Record<string, readonly Fact[]>>, rows: Rows): World {
  const desired = new Desired();
  for (const [owner, facts] of Object.entries(owners)) desired.replace(owner, facts);
  const found = new Map(Object.values(rows).flatMap((ofTable) => ofTable.map((each) => [each._uuid, each])));
  return worldOn(desired, (_table, uuid) => found.get(uuid));
}

/** A world that follows `desired`, with the rows that `actual` finds. */
export function worldOn(desired: Desired, actual: (table: string, uuid: string) => Row | undefined): World {
  return worldOf({
    cluster: "demo",
    schema: northbound.schema,
    desired: desired.database(destination),
    replica: { tables: northbound.schema.tables.keys(), table: (name) => view((uuid) => actual(name, uuid)) },
    owners: desired,
    isSynced: () => true,
    kept: new Set(["the-fence"]),
  });
}

/** All differences of a row. */
export function rowChanges(world: World, table: string, uuid: string): readonly Change[] {
  const diff = new RowDiff(table, uuid);
  diff.look(world, Part.whole()).forEach(() => {});
  return diff.changes;
}

/** The groups of all changes that make the rows in `names` as wanted. */
export function groupsOf(
  world: World,
  names: readonly (readonly [string, string])[],
): readonly AtomicGroup[] {
  return resultOf(
    atomicGroups(
      names.flatMap(([table, uuid]) => rowChanges(world, table, uuid)),
      world,
    ),
  );
}

/** The result of a job that yields, run without a pause. */
export function resultOf<T>(job: Iterator<void, T>): T {
  for (;;) {
    const step = job.next();
    if (step.done) return step.value;
  }
}

const view = (get: (uuid: string) => Row | undefined): TableView<Row> => ({
  size: 0,
  get,
  values: () => [],
  by: () => [],
});
