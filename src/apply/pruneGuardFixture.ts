// For tests of the prune guard: groups of changes, and rows with owners.

import { Desired } from "../desired/desired.ts";
import { ownership } from "../model/names.ts";
import type { Row } from "../ovsdb/index.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import { PruneGuard, type PruneLimits, type Sorted } from "./pruneGuard.ts";
import { groupsOf, ours, resultOf, worldOn } from "./worldFixture.ts";

export const limits = { share: 0.3, rows: 20, windowMs: 1_000 };
/** Nothing that is merely missing may go. */
export const strict = { ...limits, rows: 0, share: 0 };
export const guard = (of: PruneLimits = limits) => new PruneGuard(of, (table, uuid) => `${table} ${uuid}`);

export const LB = "Load_Balancer";
export const LSP = "Logical_Switch_Port";

export const deletions = (count: number, from = 0): readonly AtomicGroup[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `r${from + i}`,
    changes: [{ kind: "delete", table: "T", uuid: `r${from + i}`, owners: [] }],
    needs: [],
    removes: true,
    incomplete: false,
  }));

export const nothing = worldOn(new Desired(), () => undefined);
export const sort = (g: PruneGuard, groups: readonly AtomicGroup[], owned: number, now = 0): Sorted =>
  resultOf(g.sort(groups, nothing, () => owned, now));

export const markOf = (owner: string) => ({
  external_ids: new Map([
    [ownership.cluster, "demo"],
    [ownership.owner, owner],
  ]),
});

/** A row of an owner's, as the database has it. */
export const rowOf = (owner: string, uuid: string, columns: Record<string, Row[string]>): Row =>
  ours(uuid, { ...columns, ...markOf(owner) });

export const vips = (entries: Record<string, string>) => ({ vips: new Map(Object.entries(entries)) });

export const balancer = (owner: string, uuid: string, entries: Record<string, string>): Row =>
  rowOf(owner, uuid, vips(entries));

/** What the guard lets through of the differences in these rows, and in those of `more` that do not exist. */
export function passed(
  desired: Desired,
  rows: readonly (readonly [table: string, Row])[],
  g = guard(strict),
  more: readonly (readonly [table: string, uuid: string])[] = [],
): readonly string[] {
  g.allSynced();
  const world = worldOn(desired, (_, uuid) => rows.find(([, { _uuid }]) => _uuid === uuid)?.[1]);
  const names = rows.map(([table, { _uuid: uuid }]) => [table, uuid] as const);
  const groups = groupsOf(world, [...names, ...more]);
  const { sendable } = resultOf(g.sort(groups, world, () => rows.length, 0));
  return sendable.flatMap(({ changes }) =>
    changes.map((change) => {
      const value = change.kind === "update" ? change.columns.get("vips") : undefined;
      const text = value instanceof Map ? ` ${[...value].map((entry) => entry.join("=")).join(" ")}` : "";
      return `${change.kind} ${change.uuid}${text}`;
    }),
  );
}
