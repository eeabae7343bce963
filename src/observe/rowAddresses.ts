// Which addresses the port rows in the northbound database hold, and for which pods. An address is not free while a row
// holds it, whatever Kubernetes says, and what a pod's own row holds is the pod's. Read from the replica and an index of it,
// so a first copy of many ports is taken in without a stall.

import { ownership } from "../model/names.ts";
import type { Owner } from "../model/owner.ts";
import { uidIn } from "../model/portVersion.ts";
import { rowUuid } from "../model/uuid.ts";
import type { LogicalSwitchPortRow } from "../ovn/northbound.gen.ts";
import { membersOf, type RowIndex, type ValuesOf } from "../ovsdb/index.ts";

/** What is read of a port. */
export type PortRow = Pick<LogicalSwitchPortRow, "name" | "addresses" | "external_ids" | "options">;

/** Whose a port is. */
export interface PortHolder {
  readonly owner: Owner;
  /** The UID of the pod that the port is for; undefined when the row names none. */
  readonly pod: string | undefined;
}

/** The table of ports, with the indexes `addressesOf` and `name`. */
export interface Ports {
  get(uuid: string): PortRow | undefined;
  by(index: RowIndex, value: string): readonly PortRow[];
}

/** The addresses in a port's row. An index of ports. */
export const addressesOf: ValuesOf = (row) => ipsIn([...membersOf(row, "addresses")].map(String));

/** What follows the MACs in OVN's form: `["0a:58:0a:f4:01:05 10.244.1.5 fd00::5"]`. */
const ipsIn = (addresses: readonly string[]): readonly string[] =>
  addresses.flatMap((text) => text.split(" ").slice(1));

export class RowAddresses {
  readonly #ports: Ports;
  readonly #cluster: string;

  /** Only ports of `cluster` count. */
  constructor(ports: Ports, cluster: string) {
    this.#ports = ports;
    this.#cluster = cluster;
  }

  /** The addresses that the port has for the pod with this UID; undefined when it is another pod's or has no row. */
  ofPod(port: string, pod: string): readonly string[] | undefined {
    const row = this.#ports.get(rowUuid(this.#cluster, "Logical_Switch_Port", port));
    return row && uidIn(row.options.get("iface-id-ver")) === pod ? ipsIn(row.addresses) : undefined;
  }

  /** Whether somebody else has made a port of this name. A database has but one port of a name. */
  isForeign(port: string): boolean {
    return this.#ports
      .by("name", port)
      .some((row) => row.external_ids.get(ownership.cluster) !== this.#cluster);
  }

  /** Who holds the ports other than `port` that have `ip`. */
  others(port: string, ip: string): readonly PortHolder[] {
    return this.#ports
      .by(addressesOf, ip)
      .filter((row) => row.name !== port && row.external_ids.get(ownership.cluster) === this.#cluster)
      .map(({ external_ids, options }) => ({
        owner: external_ids.get(ownership.owner) ?? "",
        pod: uidIn(options.get("iface-id-ver")),
      }));
  }
}
