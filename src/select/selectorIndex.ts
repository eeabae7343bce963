// Finds selectors by labels without trying each. `matching` tries the selectors anchored to a label that the object
// has, `affected` those that mention a label that changed.

import { selects } from "../kube/labelSelector.ts";
import type { LabelRequirement, LabelSelector } from "../kube/objects.ts";
import type { Labels } from "./selection.ts";

interface Entry<T> {
  readonly item: T;
  readonly selector: LabelSelector;
  /** A requirement that can only hold when its label exists; undefined when the selector has none. */
  readonly anchor: LabelRequirement | undefined;
}

export class SelectorIndex<T> {
  readonly #entries = new Map<T, Entry<T>>();
  /** Every selector once, under the values or the key of its anchor. */
  readonly #anchored = new Postings<Entry<T>>();
  /** The selectors without an anchor, which an object without labels may match. */
  readonly #open = new Set<Entry<T>>();
  /** Every selector, under everything that its requirements mention. */
  readonly #mentioned = new Postings<Entry<T>>();

  get size(): number {
    return this.#entries.size;
  }

  add(selector: LabelSelector, item: T): void {
    const entry = { item, selector, anchor: this.#anchorOf(selector) };
    this.#entries.set(item, entry);
    if (entry.anchor) this.#anchored.add(entry.anchor, entry);
    else this.#open.add(entry);
    for (const requirement of selector) this.#mentioned.add(requirement, entry);
  }

  delete(item: T): void {
    const entry = this.#entries.get(item);
    if (!entry) return;
    this.#entries.delete(item);
    this.#open.delete(entry);
    if (entry.anchor) this.#anchored.delete(entry.anchor, entry);
    for (const requirement of entry.selector) this.#mentioned.delete(requirement, entry);
  }

  /** The items whose selector matches `labels`, each once. */
  *matching(labels: Labels): Iterable<T> {
    for (const { item, selector } of this.#open) if (selects(selector, labels)) yield item;
    if (this.#open.size === this.#entries.size) return;
    for (const [key, value] of Object.entries(labels)) {
      for (const found of this.#anchored.at(key, value))
        for (const { item, selector } of found) if (selects(selector, labels)) yield item;
    }
  }

  /** The items whose selector may judge an object differently when its labels change from `old` to `now`. */
  *affected(old: Labels, now: Labels): Iterable<T> {
    for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
      const before = Object.hasOwn(old, key) ? old[key] : undefined;
      const after = Object.hasOwn(now, key) ? now[key] : undefined;
      if (before === after) continue;
      const isToggled = before === undefined || after === undefined;
      for (const value of [before, after])
        if (value !== undefined) for (const { item } of this.#mentioned.withValue(key, value)) yield item;
      if (isToggled) for (const { item } of this.#mentioned.withKey(key)) yield item;
    }
  }

  /** The requirement with the fewest other selectors: `tier=front` may be on half of all pods, `app=web` on few. */
  #anchorOf(selector: LabelSelector): LabelRequirement | undefined {
    let best: LabelRequirement | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const requirement of selector) {
      const { key, operator, values } = requirement;
      const weight =
        operator === "In"
          ? values.reduce((sum, value) => sum + 1 + this.#anchored.withValue(key, value).size, 0)
          : operator === "Exists"
            ? 1 + this.#entries.size
            : Number.POSITIVE_INFINITY;
      if (weight < least) [best, least] = [requirement, weight];
    }
    return best;
  }
}

/** Entries under labels: `In` and `NotIn` under each of their values, the others under the key alone. */
class Postings<E> {
  /** label key -> value -> entries */
  readonly #byValue = new Map<string, Map<string, Set<E>>>();
  /** label key -> entries */
  readonly #byKey = new Map<string, Set<E>>();

  withValue(key: string, value: string): ReadonlySet<E> {
    return this.#byValue.get(key)?.get(value) ?? none;
  }

  withKey(key: string): ReadonlySet<E> {
    return this.#byKey.get(key) ?? none;
  }

  at(key: string, value: string): readonly ReadonlySet<E>[] {
    return [this.withValue(key, value), this.withKey(key)];
  }

  add({ key, operator, values }: LabelRequirement, entry: E): void {
    if (operator === "Exists" || operator === "DoesNotExist") {
      insert(this.#byKey, key, entry);
      return;
    }
    const byValue = this.#byValue.get(key) ?? new Map<string, Set<E>>();
    this.#byValue.set(key, byValue);
    for (const value of values) insert(byValue, value, entry);
  }

  delete({ key, operator, values }: LabelRequirement, entry: E): void {
    if (operator === "Exists" || operator === "DoesNotExist") {
      remove(this.#byKey, key, entry);
      return;
    }
    const byValue = this.#byValue.get(key);
    if (!byValue) return;
    for (const value of values) remove(byValue, value, entry);
    if (byValue.size === 0) this.#byValue.delete(key);
  }
}

const none: ReadonlySet<never> = new Set();

function insert<E>(sets: Map<string, Set<E>>, key: string, entry: E): void {
  const set = sets.get(key);
  if (set) set.add(entry);
  else sets.set(key, new Set([entry]));
}

function remove<E>(sets: Map<string, Set<E>>, key: string, entry: E): void {
  const set = sets.get(key);
  set?.delete(entry);
  if (set?.size === 0) sets.delete(key);
}
