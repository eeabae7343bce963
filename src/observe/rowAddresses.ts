// Which addresses the port rows in the northbound database hold. An address is not free while a row holds it, whatever
// Kubernetes says. Fed with the replica's changes, and only with ports of this cluster.

import { Multimap } from "../model/multimap.ts";

export class RowAddresses {
  /** row uuid -> its port's name and addresses */
  readonly #rows = new Map<string, { readonly port: string; readonly ips: readonly string[] }>();
  /** address -> uuids of the rows that hold it */
  readonly #holders = new Multimap<string, string>();

  /** The row now exists with these `addresses`, in OVN's form: `["0a:58:0a:f4:01:05 10.244.1.5 fd00::5"]`. */
  set(uuid: string, port: string, addresses: readonly string[]): void {
    this.delete(uuid);
    const ips = addresses.flatMap((text) => text.split(" ").slice(1));
    this.#rows.set(uuid, { port, ips });
    for (const ip of ips) this.#holders.add(ip, uuid);
  }

  delete(uuid: string): void {
    for (const ip of this.#rows.get(uuid)?.ips ?? []) this.#holders.delete(ip, uuid);
    this.#rows.delete(uuid);
  }

  /** Whether the port has `ip`. */
  holds(port: string, ip: string): boolean {
    return [...this.#holders.get(ip)].some((uuid) => this.#rows.get(uuid)?.port === port);
  }

  /** Whether a port other than `port` has `ip`. */
  heldByAnother(port: string, ip: string): boolean {
    const holders = [...this.#holders.get(ip)];
    return holders.some((uuid) => this.#rows.get(uuid)?.port !== port);
  }
}
