// A median among many switches, held against the same among few: what more switches cost.

import { type Figure, quantile } from "../figure.ts";
import { many } from "./manySwitches.ts";

export const besideFew = (
  way: string,
  atMany: readonly number[],
  atFew: readonly number[],
  aim?: number,
): Figure => ({
  name: `${way}: CNI ADD p50 beside ${many.switches} switches`,
  unit: "ms",
  value: quantile(atMany, 0.5),
  limit: { name: "itself beside few", value: quantile(atFew, 0.5) },
  ...(aim !== undefined && { aim }),
});
