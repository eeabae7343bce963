// Which scopes cover which namespaces. A namespace is kept while it exists or has candidates, a scope while a selection
// uses it.

import { selects } from "../kube/labelSelector.ts";
import { type NamespaceEntry, Scope } from "./scope.ts";
import { allNamespaces, type Labels, type NamespaceScope, oneNamespace, scopeKey } from "./selection.ts";
import { SelectorIndex } from "./selectorIndex.ts";

export class NamespaceTable {
  readonly #namespaces = new Map<string, NamespaceEntry>();
  /** `scopeKey` -> scope */
  readonly #scopes = new Map<string, Scope>();
  readonly #bySelector = new SelectorIndex<Scope>();

  /** The entry of a namespace, created if missing. Call `tidy` when it may have become empty. */
  entry(name: string): NamespaceEntry {
    const known = this.#namespaces.get(name);
    if (known) return known;
    const scopes = [allNamespaces, oneNamespace(name)].flatMap(
      (namespaces) => this.#scopes.get(scopeKey(namespaces)) ?? [],
    );
    const entry = { name, labels: undefined, candidates: new Set<never>(), scopes: new Set(scopes) };
    this.#namespaces.set(name, entry);
    return entry;
  }

  tidy(entry: NamespaceEntry): void {
    if (entry.labels === undefined && entry.candidates.size === 0) this.#namespaces.delete(entry.name);
  }

  /** The Namespace has these labels now; undefined when it is gone. Returns the scopes that began or ceased to cover it. */
  relabel(entry: NamespaceEntry, labels: Labels | undefined): readonly Scope[] {
    const old = entry.labels;
    entry.labels = labels;
    const concerned =
      old && labels ? this.#bySelector.affected(old, labels) : this.#bySelector.matching(old ?? labels ?? {});
    const changed: Scope[] = [];
    for (const scope of concerned) {
      const wasCovered = entry.scopes.has(scope);
      if (covers(scope.namespaces, entry) === wasCovered) continue;
      if (wasCovered) entry.scopes.delete(scope);
      else entry.scopes.add(scope);
      changed.push(scope);
    }
    return changed;
  }

  /** The scope of a choice of namespaces, created if missing. Call `drop` when no selection uses it any more. */
  scopeOf(namespaces: NamespaceScope): Scope {
    const key = scopeKey(namespaces);
    const known = this.#scopes.get(key);
    if (known) return known;
    const scope = new Scope(namespaces);
    this.#scopes.set(key, scope);
    if (namespaces.kind === "matching") this.#bySelector.add(namespaces.selector, scope);
    for (const entry of this.#nearby(namespaces)) if (covers(namespaces, entry)) entry.scopes.add(scope);
    return scope;
  }

  drop(scope: Scope): void {
    for (const entry of this.covered(scope)) entry.scopes.delete(scope);
    this.#scopes.delete(scopeKey(scope.namespaces));
    this.#bySelector.delete(scope);
  }

  *covered(scope: Scope): Iterable<NamespaceEntry> {
    for (const entry of this.#nearby(scope.namespaces)) if (entry.scopes.has(scope)) yield entry;
  }

  /** The namespaces that a scope could cover. */
  #nearby(namespaces: NamespaceScope): Iterable<NamespaceEntry> {
    if (namespaces.kind !== "one") return this.#namespaces.values();
    const entry = this.#namespaces.get(namespaces.name);
    return entry ? [entry] : [];
  }
}

function covers(namespaces: NamespaceScope, { name, labels }: NamespaceEntry): boolean {
  switch (namespaces.kind) {
    case "all":
      return true;
    case "one":
      return namespaces.name === name;
    case "matching":
      return labels !== undefined && selects(namespaces.selector, labels);
  }
}
