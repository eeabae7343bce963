// What the candidates of one namespace are still to be held against: all selections of a scope that began or ceased to
// cover it, and single selections that came into use.

import type { Scope, Selected } from "./scope.ts";

/** With more of them, a scope's index finds a candidate's selections sooner than a look at each. */
const singleLimit = 32;

export class Pending {
  readonly scopes = new Set<Scope>();
  readonly single = new Set<Selected>();

  add(selected: Selected): void {
    if (this.single.size < singleLimit) this.single.add(selected);
    else this.scopes.add(selected.scope);
  }
}
