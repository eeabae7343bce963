// One copy of strings and label sets that many objects repeat (namespaces, nodes, labels of one ReplicaSet's pods).
// When the table has grown full of unused values, it is thrown away: that costs sharing, never correctness.

const limit = 50_000;

export class Interner {
  readonly #texts = new Map<string, string>();
  readonly #records = new Map<string, Readonly<Record<string, string>>>();

  text(value: string): string {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    remember(this.#texts, value, value);
    return value;
  }

  /** A frozen record with the string values of `entries`. Equal entries in equal order share one record. */
  record(entries: readonly (readonly [string, string])[]): Readonly<Record<string, string>> {
    const key = JSON.stringify(entries);
    const known = this.#records.get(key);
    if (known) return known;
    // fromEntries defines each key, so a label called `__proto__` stays a label.
    const value = Object.freeze(
      Object.fromEntries(entries.map(([name, text]) => [this.text(name), this.text(text)])),
    );
    remember(this.#records, key, value);
    return value;
  }
}

function remember<V>(table: Map<string, V>, key: string, value: V): void {
  if (table.size >= limit) table.clear();
  table.set(key, value);
}
