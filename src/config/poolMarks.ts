// How full a pool of ready ports is kept: the option `--pool`.

import { firstPodOffset } from "../model/network.ts";
import { tags } from "../model/pool.ts";
import { ConfigError } from "./error.ts";

/** How many unused ports of one kind, open or closed, a node should have. */
export interface Marks {
  /** With fewer than this, more are made. */
  readonly low: number;
  /** With more than this, some are taken back. */
  readonly high: number;
}

/** `8,32`: the low and the high mark. Throws a `ConfigError`. */
export function parseMarks(text: string): Marks {
  const match = /^(\d{1,4}),(\d{1,4})$/.exec(text);
  const [low, high] = [Number(match?.[1]), Number(match?.[2])];
  if (match && low >= 1 && low < high && high <= tags.last - firstPodOffset) return { low, high };
  throw new ConfigError(
    `pool marks ${text}: expected two numbers, the low mark and a higher one of at most ${tags.last - firstPodOffset}, such as 8,32`,
  );
}
