// Which addresses the port rows in the northbound database hold, and for which pods. An address is not free while a row
// holds it, whatever Kubernetes says, and what a pod's own row holds is the pod's. Fed with the replica's changes, and only
// with ports of this cluster.

import { Multimap } from "../model/multimap.ts";

interface Row {
  readonly port: string;
  readonly ips: readonly string[];
  readonly pod: string | undefined;
}

export class RowAddresses {
  /** row uuid -> what it holds */
  readonly #rows = new Map<string, Row>();
  /** port -> uuid of its row */
  readonly #ports = new Map<string, string>();
  /** address -> uuid of a row that holds it; of nearly every address there is but one */
  readonly #holder = new Map<string, string>();
  /** address -> uuids of the other rows that hold it */
  readonly #others = new Multimap<string, string>();

  /**
   * The row now exists with these `addresses`, in OVN's form: `["0a:58:0a:f4:01:05 10.244.1.5 fd00::5"]`. `pod` is the UID
   * of the pod that the port is for.
   */
  set(uuid: string, port: string, addresses: readonly string[], pod?: string): void {
    this.delete(uuid);
    const ips = ipsIn(addresses);
    this.#rows.set(uuid, { port, ips, pod });
    this.#ports.set(port, uuid);
    for (const ip of ips) {
      if (this.#holder.has(ip)) this.#others.add(ip, uuid);
      else this.#holder.set(ip, uuid);
    }
  }

  delete(uuid: string): void {
    const row = this.#rows.get(uuid);
    if (!row) return;
    this.#rows.delete(uuid);
    if (this.#ports.get(row.port) === uuid) this.#ports.delete(row.port);
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

  /** The addresses that the port has for the pod with this UID; undefined when it is another pod's or has no row. */
  ofPod(port: string, pod: string): readonly string[] | undefined {
    const row = this.#rows.get(this.#ports.get(port) ?? "");
    return row?.pod === pod ? row.ips : undefined;
  }

  /** Whether a port other than `port` has `ip`. */
  heldByAnother(port: string, ip: string): boolean {
    const holder = this.#holder.get(ip);
    if (holder === undefined) return false;
    return [holder, ...this.#others.get(ip)].some((uuid) => this.#rows.get(uuid)?.port !== port);
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
