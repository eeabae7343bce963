// CNI ADD beside few switches and beside a thousand, each Weft and bare, all four in turn: two sandboxes are up at once.

import { compared, type Figure } from "../figure.ts";
import { inTurn, type Pair, type Turns } from "../inTurn.ts";
import { type AddSides, addFigures } from "../wiring/addSides.ts";
import { many } from "./manySwitches.ts";

export interface Aims {
  /** Of bare. */
  readonly few?: number;
  /** Of itself beside few. */
  readonly many?: number;
}

export async function fewAndMany(
  way: string,
  atFew: AddSides,
  atMany: AddSides,
  turns: Turns,
  aims: Aims,
): Promise<readonly Figure[]> {
  const pairs: Pair[] = [
    [atFew.weft, atFew.bare],
    [atMany.weft, atMany.bare],
    [atMany.weft, atFew.weft],
  ];
  await inTurn(pairs, turns);
  return [
    ...addFigures(`${way}: CNI ADD`, atFew, aims.few),
    ...addFigures(`${way}: CNI ADD beside ${many.switches} switches`, atMany),
    compared({
      name: `${way}: CNI ADD p50 beside ${many.switches} switches`,
      unit: "ms",
      own: atMany.weft,
      limit: { name: "itself beside few", side: atFew.weft },
      aim: aims.many,
    }),
  ];
}
