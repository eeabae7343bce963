// Which port of a virtual machine each node's ready ports are nested in. A node keeps its parent while that exists, and no
// other node can have the same one. What an agent reports about its network card only counts for a node that has no
// parent or has lost it.

import { formatIp } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";
import type { PoolRow } from "../observe/poolRows.ts";
import type { MachineChange, TenantView } from "../observe/tenant.ts";

interface Parent {
  /** The port's name. */
  readonly name: string;
  /** The MAC of the node's card, as its agent last reported it; undefined when the port is known only from rows. */
  mac: string | undefined;
}

/** Why a node has no parent. `isUsual` marks what passes by itself and is not reported. */
export type NoParent = { readonly notNow: string; readonly isUsual?: true };

export class Parents {
  readonly #tenant: TenantView;
  /** node -> the parent of its ports */
  readonly #parents = new Map<string, Parent>();

  constructor(tenant: TenantView) {
    this.#tenant = tenant;
  }

  /**
   * Takes over the port in which the node's ready ports are nested now. Call this before any choice, for every node that
   * has rows, even if it has no object.
   */
  adopt(node: string, rows: readonly PoolRow[]): void {
    const [name] = rows.flatMap(({ parent }) => parent ?? []);
    if (name !== undefined) this.#parents.set(node, { name, mac: undefined });
  }

  /** The name of the node's parent port, or why it has none. */
  of(node: ResolvedNode): string | NoParent {
    if (!node.gateway)
      return { notNow: `node ${node.name}: its agent has not reported its network card yet`, isUsual: true };
    const { mac, addresses } = node.gateway;
    const found = this.#tenant.portsWith(
      mac,
      addresses.map(({ ip }) => formatIp(ip)),
    );
    const [name] = found;
    const known = this.#parents.get(node.name);
    if (known && (name === undefined || found.includes(known.name))) {
      known.mac = mac;
      return known.name;
    }
    if (name === undefined || found.length > 1) return { notNow: this.#notFound(node.name, mac, found) };
    if (known && this.#tenant.hasPort(known.name))
      return {
        notNow: `node ${node.name}: its agent reports the card of port ${name}, but its pods' ports are nested in ${known.name}, which is still there; if the machine has another card now, delete that port`,
      };
    const holder = [...this.#parents].find(([other, parent]) => other !== node.name && parent.name === name);
    if (holder) return { notNow: `node ${node.name}: the port ${name} is node ${holder[0]}'s already` };
    this.#parents.set(node.name, { name, mac });
    return name;
  }

  /** The name of the node's parent port, as last found. */
  known(node: string): string | undefined {
    return this.#parents.get(node)?.name;
  }

  /** The tags on the node's parent that belong to somebody else. */
  foreignTags(node: string): ReadonlySet<number> {
    const parent = this.#parents.get(node);
    return parent ? this.#tenant.foreignTags(parent.name) : new Set();
  }

  /** The nodes that a change of a machine's port may concern. */
  concernedBy({ parent, addresses }: MachineChange): readonly string[] {
    return [...this.#parents]
      .filter(
        ([, known]) => known.name === parent || (known.mac !== undefined && addresses.includes(known.mac)),
      )
      .map(([node]) => node);
  }

  /** The node is gone, and its pool has no rows left. */
  release(node: string): void {
    this.#parents.delete(node);
  }

  #notFound(node: string, mac: string, found: readonly string[]): string {
    const what = found.length === 0 ? "no port" : `more than one port (${found.join(", ")})`;
    return `node ${node}: ${what} of ${this.#tenant.router}'s networks has its MAC ${mac} and its addresses`;
  }
}
