// Node ids, from 2 to 5000. No two nodes share one. A node's id is its place in the join network.

import { nodeIds } from "../../model/network.ts";
import { ExhaustedError } from "../errors.ts";
import { Holdings } from "./holdings.ts";
import { Ring } from "./ring.ts";

export class NodeIds {
  readonly #held = new Holdings<number>();
  readonly #ring = new Ring(nodeIds.last - nodeIds.first + 1);

  /** Claims `id` for `node`. Returns false when another node has it. */
  claim(node: string, id: number): boolean {
    if (!this.#held.claim(id, node)) return false;
    this.#ring.skip(id - nodeIds.first);
    return true;
  }

  take(node: string): number {
    const offset = this.#ring.take((free) => this.#held.claim(free + nodeIds.first, node));
    if (offset !== undefined) return offset + nodeIds.first;
    throw new ExhaustedError(`node ${node}: all ${this.#ring.size} node ids are taken; remove nodes`);
  }

  release(node: string): void {
    this.#held.release(node);
  }
}
