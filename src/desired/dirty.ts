// The rows of one destination about which something changed since the engine last took them, with the owners whose
// facts changed. Filled by desired/, emptied whole by apply/.

import type { Owner } from "../model/fact.ts";
import { RowMap } from "./rowMap.ts";

export class Dirty {
  readonly rows = new RowMap<Owner[]>();
  readonly owners = new Set<Owner>();

  add(table: string, uuid: string, owner: Owner): void {
    this.owners.add(owner);
    const owners = this.rows.ensure(table, uuid, () => []);
    // An owner marks all its rows in one go, so that looking at the last one suffices to keep the list short.
    if (owners.at(-1) !== owner) owners.push(owner);
  }
}
