// The content of a large set or map column. It never changes: a new version shares everything with the one before it
// but the few pieces that differ, so that one member more costs the same in a set of ten and of a million, old rows
// stay as they were, and what differs between two versions is found without comparing all of it.

import { type Atom, isMapValue } from "./columnValue.ts";

export type SetOrMap = readonly Atom[] | ReadonlyMap<Atom, Atom>;

/** Members in ascending order; of a map its keys, with their values beside them. A set's values are its keys. */
interface Piece {
  readonly keys: readonly Atom[];
  readonly values: readonly Atom[];
}

/** A piece that grows beyond this is cut into pieces of half the size. */
const largestPiece = 512;

export class Members {
  readonly #isMap: boolean;
  /** None is empty; each holds smaller keys than the next. */
  readonly #pieces: readonly Piece[];
  readonly size: number;

  private constructor(isMap: boolean, pieces: readonly Piece[]) {
    this.#isMap = isMap;
    this.#pieces = pieces;
    this.size = pieces.reduce((sum, { keys }) => sum + keys.length, 0);
  }

  static of(value: SetOrMap): Members {
    return new Members(isMapValue(value), cut(sorted(value)));
  }

  /** The member itself, or the value of the map's entry; undefined when there is none. */
  get(key: Atom): Atom | undefined {
    const piece = this.#pieces[lastAtMost(this.#pieces.length, key, (at) => this.#pieces[at]?.keys[0])];
    if (!piece) return undefined;
    const at = lastAtMost(piece.keys.length, key, (index) => piece.keys[index]);
    return piece.keys[at] === key ? piece.values[at] : undefined;
  }

  *keys(): Generator<Atom, void> {
    for (const { keys } of this.#pieces) yield* keys;
  }

  /** As an array in ascending order, or as a map. */
  value(): SetOrMap {
    if (!this.#isMap) return this.#pieces.flatMap(({ keys }) => keys);
    const entries = new Map<Atom, Atom>();
    for (const { keys, values } of this.#pieces)
      for (const [at, key] of keys.entries()) entries.set(key, values[at] ?? key);
    return entries;
  }

  /** These without the members of `difference` that they have, with those that they have not. See `setAfter`, `mapAfter`. */
  after(difference: SetOrMap): Members {
    const { keys, values } = sorted(difference);
    const pieces: Piece[] = [];
    let from = 0;
    for (const [at, piece] of this.#pieces.entries()) {
      const next = this.#pieces[at + 1]?.keys[0];
      const to = next === undefined ? keys.length : firstAtLeast(keys, next, from);
      if (to === from) pieces.push(piece);
      else
        for (const each of cut(merged(piece, { keys: keys.slice(from, to), values: values.slice(from, to) })))
          pieces.push(each);
      from = to;
    }
    return new Members(this.#isMap, this.#pieces.length > 0 ? pieces : cut({ keys, values }));
  }

  /** The members that only one of the two has, and the keys of entries that have another value, in ascending order. */
  *changedSince(old: Members): Generator<Atom, void> {
    const now = joined(notIn(this.#pieces, old.#pieces));
    const before = joined(notIn(old.#pieces, this.#pieces));
    let at = 0;
    let then = 0;
    for (;;) {
      const key = now.keys[at];
      const oldKey = before.keys[then];
      if (key !== undefined && key === oldKey) {
        if (now.values[at++] !== before.values[then++]) yield key;
      } else if (key !== undefined && (oldKey === undefined || isLess(key, oldKey))) {
        at++;
        yield key;
      } else if (oldKey !== undefined) {
        then++;
        yield oldKey;
      } else return;
    }
  }
}

/** What `pieces` has and `others` lacks. Usually they differ only in a few members in one place. */
function notIn(pieces: readonly Piece[], others: readonly Piece[]): readonly Piece[] {
  let start = 0;
  while (start < pieces.length && pieces[start] === others[start]) start++;
  let end = 0;
  while (end < pieces.length - start && pieces.at(-1 - end) === others.at(-1 - end)) end++;
  const rest = new Set(others.slice(start, others.length - end));
  return pieces.slice(start, pieces.length - end).filter((piece) => !rest.has(piece));
}

/** `concat` copies whole arrays, ten times as fast as `flatMap` copies their members. */
const joined = (pieces: readonly Piece[]): Piece => ({
  keys: new Array<Atom>().concat(...pieces.map(({ keys }) => keys)),
  values: new Array<Atom>().concat(...pieces.map(({ values }) => values)),
});

/** Servers send members in an order of their own, which is not quite ours. */
function sorted(value: SetOrMap): Piece {
  if (!isMapValue(value)) {
    const keys = isAscending(value) ? value : value.toSorted((a, b) => (isLess(a, b) ? -1 : 1));
    return { keys, values: keys };
  }
  const entries = [...value].sort(([a], [b]) => (isLess(a, b) ? -1 : 1));
  return { keys: entries.map(([key]) => key), values: entries.map(([, entry]) => entry) };
}

const isAscending = (atoms: readonly Atom[]): boolean =>
  atoms.every((atom, at) => at === 0 || isLess(atoms[at - 1], atom));

const isLess = (a: Atom | undefined, b: Atom | undefined): boolean =>
  a !== undefined && b !== undefined && a < b;

/** The first index from `from` on whose key is not less than `key`; the length when there is none. */
function firstAtLeast(keys: readonly Atom[], key: Atom, from: number): number {
  let at = from;
  while (at < keys.length && isLess(keys[at], key)) at++;
  return at;
}

/** The greatest index whose key is at most `key`; -1 when there is none. */
function lastAtMost(length: number, key: Atom, keyAt: (index: number) => Atom | undefined): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isLess(key, keyAt(middle))) high = middle;
    else low = middle + 1;
  }
  return low - 1;
}

/** `piece` after `difference`: a member or entry that it has goes, any other is put in. */
function merged(piece: Piece, difference: Piece): Piece {
  const keys: Atom[] = [];
  const values: Atom[] = [];
  let at = 0;
  const copyUntil = (key: Atom | undefined): void => {
    for (; at < piece.keys.length; at++) {
      const own = piece.keys[at];
      const value = piece.values[at];
      if (own === undefined || value === undefined || (key !== undefined && !isLess(own, key))) return;
      keys.push(own);
      values.push(value);
    }
  };
  for (const [index, key] of difference.keys.entries()) {
    copyUntil(key);
    const value = difference.values[index] ?? key;
    const isThere = piece.keys[at] === key;
    if (!isThere || piece.values[at] !== value) {
      keys.push(key);
      values.push(value);
    }
    if (isThere) at++;
  }
  copyUntil(undefined);
  return { keys, values };
}

function cut(piece: Piece): readonly Piece[] {
  const { keys, values } = piece;
  if (keys.length <= largestPiece) return keys.length > 0 ? [piece] : [];
  const count = Math.ceil(keys.length / (largestPiece / 2));
  return Array.from({ length: count }, (_, index) => {
    const range = [index, index + 1].map((edge) => Math.round((edge * keys.length) / count));
    return { keys: keys.slice(...range), values: values.slice(...range) };
  });
}
