// Which addresses the port rows in the northbound database hold. An address is not free while a row holds it, whatever
// Kubernetes says. Fed with the replica's changes, and only with ports of this cluster.

import { Multimap } from "../model/multimap.ts";

export class RowAddresses {
  /** row uuid -> its port's name and addresses */
  readonly #rows = new Map<string, { readonly port: string; readonly ips: readonly string[] }>();
  /** address -> uuid of a row that holds it; of nearly every address there is but one */
  readonly #holder = new Map<string, string>();
  /** address -> uuids of the other rows that hold it */
  readonly #others = new Multimap<string, string>();

  /** The row now exists with these `addresses`, in OVN's form: `["0a:58:0a:f4:01:05 10.244.1.5 fd00::5"]`. */
  set(uuid: string, port: string, addresses: readonly string[]): void {
    this.delete(uuid);
    const ips = ipsIn(addresses);
    this.#rows.set(uuid, { port, ips });
    for (const ip of ips) {
      if (this.#holder.has(ip)) this.#others.add(ip, uuid);
      else this.#holder.set(ip, uuid);
    }
  }

  delete(uuid: string): void {
    const row = this.#rows.get(uuid);
    if (!row) return;
    this.#rows.delete(uuid);
    for (const ip of row.ips) {
      if (this.#others.delete(ip, uuid)) continue;
      const [next] = this.#others.get(ip);
      if (next === undefined) this.#holder.delete(ip);
      else {
        this.#others.delete(ip, next);
        this.#holder.set(ip, next);
      }
    }
  }

  /** Whether the port has `ip`. */
  holds(port: string, ip: string): boolean {
    return this.#portsWith(ip).includes(port);
  }

  /** Whether a port other than `port` has `ip`. */
  heldByAnother(port: string, ip: string): boolean {
    return this.#portsWith(ip).some((other) => other !== port);
  }

  #portsWith(ip: string): readonly string[] {
    const holder = this.#holder.get(ip);
    if (holder === undefined) return [];
    return [holder, ...this.#others.get(ip)].flatMap((uuid) => this.#rows.get(uuid)?.port ?? []);
  }
}

/** What comes after the MACs. Spelled out, because a first copy brings all ports in one piece. */
function ipsIn(addresses: readonly string[]): readonly string[] {
  const ips: string[] = [];
  for (const text of addresses) {
    let from = text.indexOf(" ") + 1;
    while (from > 0) {
      const end = text.indexOf(" ", from);
      ips.push(end < 0 ? text.slice(from) : text.slice(from, end));
      from = end + 1;
    }
  }
  return ips;
}
