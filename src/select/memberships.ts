// Which places are members of which selections, and which of these changes have not been reported yet. Judging a
// candidate twice does no harm. So whatever changes, all candidates that it may concern are judged again by the one
// rule `isMember`, and nobody has to keep track of half-done work.

import type { MembershipChange } from "./memberSource.ts";
import { News } from "./news.ts";
import type { Pending } from "./pending.ts";
import { type Candidate, isMember, type Scope, type Selected } from "./scope.ts";

export class Memberships {
  readonly #news = new News();

  /** How many memberships have come or gone since the last `takeNews`. */
  get newsSize(): number {
    return this.#news.size;
  }

  takeNews(): readonly MembershipChange[] {
    return this.#news.take();
  }

  /** Makes the candidate a member of exactly those selections of `scopes` that it belongs to. */
  look(candidate: Candidate, scopes: ReadonlySet<Scope>): void {
    for (const selected of candidate.memberships)
      if (scopes.has(selected.scope)) this.judge(candidate, selected);
    const { labels, namespace, place } = candidate;
    for (const scope of scopes)
      if (namespace.scopes.has(scope))
        for (const selected of scope.matching(labels, place.addresses)) this.#add(candidate, selected);
  }

  /** Brings the candidate's memberships up to date with what is pending. */
  catchUp(candidate: Candidate, { scopes, single }: Pending): void {
    if (scopes.size > 0) this.look(candidate, scopes);
    for (const selected of single) this.judge(candidate, selected);
  }

  /** The candidate's labels have changed from `old`. */
  relabel(candidate: Candidate, old: Candidate["labels"]): void {
    for (const scope of candidate.namespace.scopes)
      for (const selected of scope.affected(old, candidate.labels)) this.judge(candidate, selected);
  }

  judge(candidate: Candidate, selected: Selected): void {
    if (isMember(selected, candidate)) this.#add(candidate, selected);
    else this.#remove(candidate, selected);
  }

  /** The candidate is gone. */
  expel(candidate: Candidate): void {
    for (const selected of candidate.memberships) this.#remove(candidate, selected);
  }

  #add(candidate: Candidate, selected: Selected): void {
    if (candidate.memberships.has(selected)) return;
    candidate.memberships.add(selected);
    selected.members.add(candidate.place);
    this.#news.added(selected.selection, candidate.place);
  }

  #remove(candidate: Candidate, selected: Selected): void {
    if (!candidate.memberships.delete(selected)) return;
    selected.members.delete(candidate.place);
    this.#news.removed(selected.selection, candidate.place);
  }
}
