// Disjoint sets of strings that grow together: the classic union-find with path halving.

export class UnionFind {
  readonly #parents = new Map<string, string>();

  /** The member that represents the set of `member`. */
  find(member: string): string {
    let at = member;
    for (;;) {
      const parent = this.#parents.get(at);
      if (parent === undefined) return at;
      const grandparent = this.#parents.get(parent);
      if (grandparent === undefined) return parent;
      this.#parents.set(at, grandparent);
      at = grandparent;
    }
  }

  join(a: string, b: string): void {
    const rootA = this.find(a);
    const rootB = this.find(b);
    if (rootA !== rootB) this.#parents.set(rootA, rootB);
  }
}
