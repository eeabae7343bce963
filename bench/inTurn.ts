// Measures several ways of doing the same thing in turn, a short block of each: A, B, A, B, … What else the machine does
// then hits all of them, and each pair of neighbouring blocks gives a ratio. It goes on while the ratios are unsteady, up
// to a bound.

import { quantile } from "./quantile.ts";
import { spreadOf } from "./spread.ts";

/** One way of doing it, and what each of its blocks gave. */
export class Side {
  readonly blocks: (readonly number[])[] = [];
  /** Measures one block; blocks count from 0. */
  readonly measure: (block: number) => Promise<readonly number[]>;

  constructor(measure: (block: number) => Promise<readonly number[]>) {
    this.measure = measure;
  }

  /** A side that does `one` thing at a time, `ofBlock` of them in a block; they count from 0 over all blocks. */
  static ofSingles(ofBlock: number, one: (index: number) => Promise<number>): Side {
    return new Side(async (block) => {
      const measured: number[] = [];
      for (let index = block * ofBlock; index < (block + 1) * ofBlock; index++)
        measured.push(await one(index));
      return measured;
    });
  }
}

/** A side and the one it is held against. */
export type Pair = readonly [own: Side, limit: Side];

export interface Turns {
  /** How many blocks of each side. */
  readonly fewest: number;
  readonly most: number;
}

/** Resolves when the blocks of all `pairs` are measured: in the order in which the sides appear, each once a round. */
export async function inTurn(pairs: readonly Pair[], { fewest, most }: Turns): Promise<void> {
  const sides = new Set(pairs.flat());
  const steady = (): boolean =>
    pairs.every(([own, limit]) => spreadOf(blockRatios(own.blocks, limit.blocks, median)).isSteady);
  for (let block = 0; block < most && (block < fewest || !steady()); block++)
    for (const side of sides) side.blocks.push(await side.measure(block));
}

/** The ratio of each block to the block of `limit` beside it. */
export const blockRatios = (
  own: readonly (readonly number[])[],
  limit: readonly (readonly number[])[],
  of: (block: readonly number[]) => number,
): readonly number[] =>
  own.flatMap((block, index) => {
    const beside = limit[index];
    return beside ? [of(block) / of(beside)] : [];
  });

const median = (values: readonly number[]): number => quantile(values, 0.5);
