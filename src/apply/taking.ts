// What a group of changes takes away: what is known of its absence, and whether another owner claims what becomes free.

import { type Absence, leastSure } from "../desired/absence.ts";
import { type Atom, type ColumnValue, sameValue } from "../model/fact.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import { type Change, isRemoval, type RowUpdate, targetOf } from "./change.ts";
import { claims, claimsOfKey, givesWay } from "./claims.ts";
import { keeping } from "./gathered.ts";
import type { RowName } from "./look.ts";
import type { World } from "./world.ts";

/** What is known of the absence of the rows and members that the group takes away. */
export const absenceIn = (group: AtomicGroup, world: World): Absence =>
  leastSure(group.changes.filter(isRemoval).map((change) => absenceInChange(change, world)));

/**
 * The owner of a member row states its membership; who stated a plain value is not recorded. A row of a table without
 * external_ids may be anybody's. A ready port serves one pod after another, and none of them has a row of its own, so
 * the group that the port is in speaks for them.
 */
function absenceInChange(change: Change, world: World): Absence {
  const owner = ownerOf(targetOf(change) ?? change, world);
  if (owner === undefined) return world.leastSureAbsence();
  const holder = change.table === "Port_Group" && isReadyPort(owner) ? ownerOf(change, world) : undefined;
  return leastSure([owner, ...(holder === undefined ? [] : [holder])].map((one) => world.absenceOf(one)));
}

function ownerOf({ table, uuid }: RowName, world: World): Owner | undefined {
  const row = world.actual(table, uuid);
  return row && world.ownerOf(row);
}

const isReadyPort = (owner: Owner): boolean => parseOwner(owner).kind === "pool";

/**
 * Whether the group takes away what is wanted by now. While rows are compared and sent, facts go on changing: an owner whose
 * rows were held may have stated them since, and then what it states counts.
 */
export const takesWanted = (group: AtomicGroup, world: Pick<World, "desired">): boolean =>
  group.removes && group.changes.filter(isRemoval).some((change) => isWanted(change, world));

function isWanted(change: Change, world: Pick<World, "desired">): boolean {
  const wanted = world.desired(change.table, change.uuid);
  if (change.kind === "member") return wanted?.member(change.column.name, change.key) !== undefined;
  if (change.kind !== "update") return wanted?.columns !== undefined;
  return [...change.columns].some(([name, value]) => {
    const now = wanted?.columns?.get(name);
    return now !== undefined && !sameValue(now, value);
  });
}

/** The rows that the group deletes, and those that it takes something out of. */
export const lessened = (group: AtomicGroup): readonly Change[] =>
  group.changes.filter((change) => change.kind !== "member" && isRemoval(change));

/** What an existing row claims. */
export function claimsOf({ table, uuid }: RowName, world: World): readonly string[] {
  const row = world.actual(table, uuid);
  return row ? claims(table, (column) => row[column]) : [];
}

/** Claim -> the owners of the wanted rows that make it. */
export type Claimants = ReadonlyMap<string, ReadonlySet<Owner>>;

/** Who wants a row with one of the claims in `of`. */
export function* claimants(of: ReadonlySet<string>, world: World): Generator<void, Claimants> {
  const found = new Map<string, Set<Owner>>();
  if (of.size === 0) return found;
  for (const { table, columns, owners } of world.wanted()) {
    for (const claim of columns ? claims(table, (column) => columns.get(column)) : [])
      if (of.has(claim)) found.set(claim, new Set([...(found.get(claim) ?? []), ...owners]));
    yield;
  }
  return found;
}

/** Whether a claim of the existing row is made by the wanted row of another owner, to whom it gives way. */
export function isClaimedByAnother(
  claim: string,
  { table, uuid }: RowName,
  world: World,
  claimedBy: Claimants,
): boolean {
  const owner = ownerOf({ table, uuid }, world);
  return [...(claimedBy.get(claim) ?? [])].some(
    (claimant) => claimant !== owner && givesWay(owner, claimant),
  );
}

/** The claims that the group makes anew, each with those who make it. */
export function* newClaims(
  group: AtomicGroup,
  world: World,
): Generator<{ readonly claim: string; readonly row: RowName; readonly owners: readonly Owner[] }> {
  for (const change of group.changes) {
    if (change.kind !== "insert" && change.kind !== "update") continue;
    const { table, uuid, owners, columns } = change;
    const found = world.actual(table, uuid);
    for (const claim of claims(table, (column) => columns.get(column) ?? found?.[column]))
      yield { claim, row: { table, uuid }, owners };
  }
}

/** The group without what it takes away; undefined when nothing is left of it. */
export function withoutTaking(
  group: AtomicGroup,
  world: World,
  claimedBy: Claimants,
): AtomicGroup | undefined {
  const changes = group.changes.flatMap((change) =>
    change.kind === "update" && change.keeping ? keptPart(change, world, claimedBy) : [],
  );
  const isOnlyUpdates = group.changes.every(({ kind }) => kind === "update");
  return isOnlyUpdates && changes.length > 0 ? { ...group, changes, removes: false } : undefined;
}

function keptPart(change: RowUpdate, world: World, claimedBy: Claimants): readonly RowUpdate[] {
  const found = world.actual(change.table, change.uuid);
  if (!found) return [];
  const isClaimed = (key: Atom): boolean =>
    claimsOfKey(String(key), (column) => found[column]).some((claim) =>
      isClaimedByAnother(claim, change, world, claimedBy),
    );
  const kept = keeping(change.table, change.columns, found, isClaimed) ?? change.columns;
  const differing = new Map<string, ColumnValue>(
    [...kept].filter(([name, value]) => {
      const before = found[name];
      return before === undefined || !sameValue(value, before);
    }),
  );
  const { keeping: _, ...rest } = change;
  return differing.size > 0 ? [{ ...rest, columns: differing }] : [];
}
