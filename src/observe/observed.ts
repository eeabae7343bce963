// Everything the databases tell the controller, in one place: who has rows, which addresses these hold, how far OVN is
// with ports, which ports are held back and, in underlay mode, what the cloud's tenant has. It is kept up to date from
// the start of the process, on waiting controllers too, so that a new leader decides from what exists.

import { ownership } from "../model/names.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import { uidIn } from "../model/portVersion.ts";
import type { Scope } from "../model/scope.ts";
import type { LogicalSwitchPortRow, NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Replica } from "../ovsdb/index.ts";
import { type NodeRows, nodeRows } from "./nodeRows.ts";
import { heldBackOn, type PoolRow, poolRows } from "./poolRows.ts";
import type { PortStates } from "./portStates.ts";
import { RowAddresses } from "./rowAddresses.ts";
import { type MachineChange, TenantView } from "./tenant.ts";

/** News from a database that may concern owners. */
export type Sighting =
  /** All ports have been listed. */
  | { readonly what: "ports" }
  /** A port of the node's pool has advanced or fallen back, or its packets are now held back or no longer. */
  | { readonly what: "pool"; readonly node: string }
  /** The tenant's router changed, or the set of switches that it joins. */
  | { readonly what: "tenant" }
  | { readonly what: "machine"; readonly change: MachineChange };

export interface ObservedOptions {
  readonly scope: Scope;
  /** Need not be synced yet. */
  readonly replica: Replica<NorthboundTables>;
  readonly ports: PortStates;
  /** The name of the tenant's router; undefined in overlay mode. */
  readonly router: string | undefined;
}

export class Observed {
  readonly ports: PortStates;
  /** The addresses in this cluster's port rows. */
  readonly addresses = new RowAddresses();
  /** Undefined in overlay mode. */
  readonly tenant: TenantView | undefined;
  readonly #scope: Scope;
  readonly #replica: Replica<NorthboundTables>;
  /** owner -> how many rows it has */
  readonly #rowsOf = new Map<Owner, number>();

  constructor({ scope, replica, ports, router }: ObservedOptions) {
    this.#scope = scope;
    this.#replica = replica;
    this.ports = ports;
    this.tenant = router === undefined ? undefined : new TenantView(replica, scope.cluster, router);
    for (const table of replica.tables) for (const row of replica.table(table).values()) this.#count(row, 1);
    for (const row of replica.table("Logical_Switch_Port").values()) this.#put(row);
    replica.subscribe((changes) => {
      for (const change of changes) {
        this.#count(change.old, -1);
        this.#count(change.new, 1);
        if (change.table !== "Logical_Switch_Port") continue;
        this.addresses.delete(change.uuid);
        if (change.new) this.#put(change.new);
      }
    });
  }

  /** All owners with rows in the northbound database. */
  owners(): Iterable<Owner> {
    return this.#rowsOf.keys();
  }

  hasRows(owner: Owner): boolean {
    return this.#rowsOf.has(owner);
  }

  /** What rows prove about nodes. */
  nodeRows(): readonly NodeRows[] {
    return nodeRows(this.#replica, this.#scope);
  }

  poolRows(): Iterable<PoolRow> {
    return poolRows(this.#replica, this.#scope);
  }

  /** The MACs whose packets are dropped on the node's switch. */
  heldBackOn(node: string): ReadonlySet<string> {
    return heldBackOn(this.#replica, this.#scope, node);
  }

  /** Calls `listener` until `signal` aborts. */
  subscribe(listener: (sighting: Sighting) => void, signal: AbortSignal): void {
    const stops = [
      this.ports.subscribe({ pool: (node) => listener({ what: "pool", node }) }),
      this.#followClosedSets((node) => listener({ what: "pool", node })),
      this.tenant?.subscribe({
        tenant: () => listener({ what: "tenant" }),
        machine: (change) => listener({ what: "machine", change }),
      }),
    ];
    signal.addEventListener("abort", () => {
      for (const stop of stops) stop?.();
    });
    this.ports.ready(signal).then(
      () => listener({ what: "ports" }),
      () => undefined,
    );
  }

  #followClosedSets(onChange: (node: string) => void): () => void {
    return this.#replica.subscribe((changes) => {
      for (const change of changes) {
        if (change.table !== "Address_Set") continue;
        const { kind, name } = parseOwner(
          (change.new ?? change.old)?.external_ids.get(ownership.owner) ?? "",
        );
        if (kind === "node") onChange(name);
      }
    });
  }

  #count(row: object | undefined, by: 1 | -1): void {
    const ids: unknown = row && "external_ids" in row ? row.external_ids : undefined;
    if (!(ids instanceof Map) || ids.get(ownership.cluster) !== this.#scope.cluster) return;
    const owner: unknown = ids.get(ownership.owner);
    if (typeof owner !== "string") return;
    const rows = (this.#rowsOf.get(owner) ?? 0) + by;
    if (rows > 0) this.#rowsOf.set(owner, rows);
    else this.#rowsOf.delete(owner);
  }

  #put(row: LogicalSwitchPortRow): void {
    if (row.external_ids.get(ownership.cluster) !== this.#scope.cluster) return;
    this.addresses.set(row._uuid, row.name, row.addresses, uidIn(row.options.get("iface-id-ver")));
  }
}
