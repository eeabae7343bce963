// A JSON object with so many members that a JavaScript object is no good for it: to list a million keys, or to make
// room for more, would hold the event loop for hundreds of milliseconds. Only what jsonOutline.ts reads can be one.

/** Up to here an object stays an object. */
export const maxObjectMembers = 10_000;

export class LargeObject {
  readonly #keys: string[];
  readonly #values: unknown[];

  constructor(members: Readonly<Record<string, unknown>>) {
    this.#keys = Object.keys(members);
    this.#values = Object.values(members);
  }

  add(key: string, value: unknown): void {
    this.#keys.push(key);
    this.#values.push(value);
  }

  /** The members, in their order, each given away: what was taken is no longer held. */
  *take(): Generator<readonly [key: string, value: unknown]> {
    for (const [at, key] of this.#keys.entries()) {
      const value = this.#values[at];
      this.#values[at] = undefined;
      yield [key, value];
    }
  }
}

/** The members of any object of a message, one by one. */
export function* membersOf(object: object): Generator<readonly [key: string, value: unknown]> {
  if (object instanceof LargeObject) yield* object.take();
  else for (const member of Object.entries(object)) yield member;
}
