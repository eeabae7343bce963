// What the candidates of one namespace still have to be judged against: all selections of a scope that began or ceased
// to cover the namespace, and single selections that came into use.

import type { Scope, Selected } from "./scope.ts";

/** Above this number, it is faster to find a candidate's selections by the scope's index than to judge them one by one. */
const singleLimit = 32;

export class Pending {
  readonly scopes = new Set<Scope>();
  readonly single = new Set<Selected>();

  add(selected: Selected): void {
    if (this.single.size < singleLimit) this.single.add(selected);
    else this.scopes.add(selected.scope);
  }
}
