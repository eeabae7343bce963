// Which node has which chassis of OVN. Each agent reports its own; machines made from one image report the same, and a
// node could claim another's. The first node to have a chassis keeps it.

export class Chassis {
  /** chassis id -> node */
  readonly #holders = new Map<string, string>();
  /** node -> chassis id */
  readonly #held = new Map<string, string>();

  /** The node gets the chassis in place of the one it had, unless another node has it. */
  claim(node: string, id: string): void {
    if (this.rival(node, id) !== undefined) return;
    this.release(node);
    this.#holders.set(id, node);
    this.#held.set(node, id);
  }

  /** The node that has the chassis instead of `node`. */
  rival(node: string, id: string): string | undefined {
    const holder = this.#holders.get(id);
    return holder === node ? undefined : holder;
  }

  of(node: string): string | undefined {
    return this.#held.get(node);
  }

  release(node: string): void {
    const id = this.#held.get(node);
    this.#held.delete(node);
    if (id !== undefined) this.#holders.delete(id);
  }
}
