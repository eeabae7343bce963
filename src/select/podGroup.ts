// A group of pods' addresses that policies speak of: a selection, or what is left of one after others. Only selections
// have to be watched: whether a pod is in a group follows from the selections that it is in.

import { hash } from "node:crypto";
import { type Cidr, contains, formatCidr, type Ip, overlaps } from "../model/ip.ts";
import { remainder } from "../model/remainder.ts";
import { areDisjoint, covers, type Selection } from "./selection.ts";

export interface PodGroup {
  readonly key: string;
  readonly of: Selection;
  /** Only pods that are in all of these selections are in the group. */
  readonly and: readonly Selection[];
  /** Pods that are in one of these selections are not in the group. */
  readonly except: readonly Selection[];
  /** Only addresses in one of these are; undefined means all. */
  readonly within: readonly Cidr[] | undefined;
  /** Addresses in one of these are not. */
  readonly outside: readonly Cidr[];
}

/** All pods of a selection. */
export const wholeGroup = (of: Selection): PodGroup => ({
  key: of.key,
  of,
  and: [],
  except: [],
  within: undefined,
  outside: [],
});

/** The selection, narrowed. Undefined when it is certain that nobody is left. */
export function narrowed(
  of: Selection,
  by: Partial<Pick<PodGroup, "and" | "except" | "within" | "outside">>,
): PodGroup | undefined {
  const { within, outside = [] } = by;
  const and = sorted((by.and ?? []).filter((one) => !covers(one, of)));
  const all = [of, ...and];
  const except = sorted((by.except ?? []).filter((one) => !all.some((each) => areDisjoint(one, each))));
  if (except.some((one) => all.some((each) => covers(one, each))) || within?.length === 0) return undefined;
  const parts = [
    ["and", and.map(({ key }) => key)],
    ["except", except.map(({ key }) => key)],
    ["within", within?.map(formatCidr).toSorted() ?? []],
    ["outside", outside.map(formatCidr).toSorted()],
  ] as const;
  const texts = parts.flatMap(([word, keys]) => keys.map((key) => ` ${word} ${key}`));
  return { key: [of.key, ...texts].join(""), of, and, except, within, outside };
}

/** Each once, in the order of their keys. */
const sorted = (selections: readonly Selection[]): readonly Selection[] =>
  [...new Map(selections.map((one) => [one.key, one])).values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));

/** The selections that decide who is in the group. */
export const selectionsOf = ({ of, and, except }: PodGroup): readonly Selection[] => [of, ...and, ...except];

/** Names a group in OVN and in owners: 64 bits of a hash of its key. */
export const idOf = ({ key }: { readonly key: string }): string => hash("sha256", key, "hex").slice(0, 16);

/** Which of a pod's addresses are in the group; undefined when the pod is not. `has` says which selections have it. */
export function addressesIn(
  { of, and, except, within, outside }: PodGroup,
  has: (selection: Selection) => boolean,
  addresses: readonly Ip[],
): readonly Ip[] | undefined {
  if (!has(of) || !and.every(has) || except.some(has)) return undefined;
  if (!within && outside.length === 0) return addresses;
  const there = addresses.filter((ip) => (!within || isIn(within, ip)) && !isIn(outside, ip));
  return there.length === 0 ? undefined : there;
}

/** The parts of `ranges` in which the group can have addresses. */
export const partsWithin = (
  blocks: readonly Cidr[],
  ranges: readonly Cidr[],
): readonly Cidr[] | undefined => {
  const inside = blocks.filter((block) => ranges.some((range) => overlaps(block, range)));
  const isAll = ranges.every((range) => remainder(range, inside).length === 0);
  return isAll ? undefined : inside;
};

const isIn = (blocks: readonly Cidr[], ip: Ip): boolean => blocks.some((block) => contains(block, ip));
