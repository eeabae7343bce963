// The kinds served at present: the server's own, and those added by CustomResourceDefinitions.

import { apiVersionOf, type Kind } from "./kind.ts";

export class KindRegistry {
  readonly #own: readonly Kind[];
  /** name of the definition (`PLURAL.GROUP`) -> its kind */
  readonly #custom = new Map<string, Kind>();

  constructor(own: readonly Kind[]) {
    this.#own = own;
  }

  get all(): readonly Kind[] {
    return [...this.#own, ...this.#custom.values()];
  }

  custom(definition: string): Kind | undefined {
    return this.#custom.get(definition);
  }

  serve(definition: string, kind: Kind): void {
    this.#custom.set(definition, kind);
  }

  withdraw(definition: string): void {
    this.#custom.delete(definition);
  }

  /** The kind that an owner reference or a body names. */
  named(apiVersion: string, kind: string): Kind | undefined {
    return this.all.find((one) => one.kind === kind && apiVersion === apiVersionOf(one));
  }

  /** The kind that a path addresses. */
  at(group: string, version: string, plural: string): Kind | undefined {
    return this.all.find((one) => one.group === group && one.version === version && one.plural === plural);
  }
}
