// Everything the databases tell the controller, in one place: who has rows, which addresses these hold, how far OVN is
// with ports, which ports are held back and, in underlay mode, what the cloud's tenant has. It is kept up to date from
// the start of the process, on waiting controllers too, so that a new leader decides from what exists.

import { ownership, placeOfPort } from "../model/names.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import type { NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Replica, RowIndex, Selection } from "../ovsdb/index.ts";
import { type Built, builtRows } from "./builtRows.ts";
import { byOwner } from "./byOwner.ts";
import { type FloatingRows, floatingIndexes, floatingRows, isSameTranslation } from "./floatingRows.ts";
import {
  type GroupedPort,
  type GroupIds,
  type GroupLookup,
  type GroupRows,
  groupedPorts,
  hasMembers,
  isExactlyIn,
  isGroup,
  type PortPlace,
} from "./groupRows.ts";
import { type MachinePort, machinePortOf } from "./machinePorts.ts";
import { type NodeRows, nodeRows } from "./nodeRows.ts";
import { heldBackOn, type PoolRow, poolRows } from "./poolRows.ts";
import type { PortState, PortStates } from "./portStates.ts";
import { addressesOf, RowAddresses } from "./rowAddresses.ts";
import { type MachineChange, TenantView } from "./tenant.ts";

/** News from a database that may concern owners. */
export type Sighting =
  /** All ports have been listed. */
  | { readonly what: "ports" }
  /** Ports of the node's pool have reached these states, or have fallen back behind them. */
  | { readonly what: "pool ports"; readonly node: string; readonly crossed: ReadonlySet<PortState> }
  /** The packets of ports of the node's pool are held back, or no longer. */
  | { readonly what: "held back"; readonly node: string }
  /** The groups that policies speak of have changed. */
  | { readonly what: "groups" }
  /** The tenant's router changed, or the set of switches that it joins. */
  | { readonly what: "tenant" }
  /** An address is translated no longer, or to something else. */
  | { readonly what: "translations" }
  | { readonly what: "machine"; readonly change: MachineChange }
  /** The rows of ports with these names, which Weft did not make, have changed. */
  | { readonly what: "machine ports"; readonly names: ReadonlySet<string> };

export interface ObservedOptions {
  readonly scope: Scope;
  /** Has the indexes that `observedIndexes` names. Need not be synced yet. */
  readonly replica: Replica<NorthboundTables>;
  readonly ports: PortStates;
  /** The name of the tenant's router; undefined in overlay mode. */
  readonly router: string | undefined;
}

const moreIndexes: Readonly<Record<string, readonly RowIndex[]>> = {
  Logical_Switch_Port: ["name", addressesOf],
  NAT: floatingIndexes,
};

/** The indexes of `tables` that are read here. */
export const observedIndexes = (
  tables: Selection<NorthboundTables>,
): Readonly<Record<string, readonly RowIndex[]>> =>
  Object.fromEntries(Object.keys(tables).map((table) => [table, [byOwner, ...(moreIndexes[table] ?? [])]]));

export class Observed {
  readonly ports: PortStates;
  /** The addresses in this cluster's port rows. */
  readonly addresses: RowAddresses;
  /** Undefined in overlay mode. */
  readonly tenant: TenantView | undefined;
  readonly #scope: Scope;
  readonly #replica: Replica<NorthboundTables>;

  constructor({ scope, replica, ports, router }: ObservedOptions) {
    this.#scope = scope;
    this.#replica = replica;
    this.ports = ports;
    this.tenant = router === undefined ? undefined : new TenantView(replica, scope.cluster, router);
    this.addresses = new RowAddresses(replica.table("Logical_Switch_Port"), scope.cluster);
  }

  /** Resolves when the northbound database has been read. */
  ready(signal: AbortSignal): Promise<void> {
    return this.#replica.ready(signal);
  }

  /** What rows tell about the options that they were made with. */
  built(): Built {
    return builtRows(this.#replica, this.#scope);
  }

  /** The owners of all rows in the northbound database, each as often as it has rows. */
  *owners(): Iterable<Owner> {
    for (const table of this.#replica.tables)
      for (const row of this.#replica.table(table).values()) {
        const ids = this.#idsOf(row);
        const owner = ids?.get(ownership.owner);
        if (typeof owner === "string") yield owner;
      }
  }

  hasRows(owner: Owner): boolean {
    return [...this.#replica.tables].some((table) =>
      this.#replica
        .table(table)
        .by(byOwner, owner)
        .some((row) => this.#idsOf(row) !== undefined),
    );
  }

  /** What rows prove about nodes. */
  nodeRows(): readonly NodeRows[] {
    return nodeRows(this.#replica, this.#scope);
  }

  /** Who has which floating address. */
  floatingRows(): FloatingRows {
    return floatingRows(this.#replica, this.#scope);
  }

  poolRows(): Iterable<PoolRow> {
    return poolRows(this.#replica, this.#scope);
  }

  /** The MACs whose packets are dropped on the node's switch. */
  heldBackOn(node: string): ReadonlySet<string> {
    return heldBackOn(this.#replica, this.#scope, node);
  }

  /** Ready ports of nodes that are in groups of policies. */
  *groupedPoolPorts(): Iterable<GroupedPort> {
    const { cluster } = this.#scope;
    const ports = [...this.#replica.table("Logical_Switch_Port").values()].filter(
      (row) => this.#idsOf(row) && placeOfPort(cluster, row.name),
    );
    yield* groupedPorts(this.#groupRows(), this.#scope, ports);
  }

  /** The logical switch port of this name, if policies can speak of it as a machine's. */
  machinePort(name: string): MachinePort {
    const [row] = this.#replica.table("Logical_Switch_Port").by("name", name);
    return machinePortOf(row, row !== undefined && this.tenant?.hasOnNetwork(row._uuid) !== false);
  }

  /** Whether the database has the port in exactly these groups of policies. */
  isExactlyIn(port: PortPlace, groups: GroupIds): boolean {
    return isExactlyIn(this.#groupRows(), this.#scope, port, groups);
  }

  #groupRows(): GroupRows {
    return {
      portGroups: this.#replica.table("Port_Group").values(),
      addressSets: this.#replica.table("Address_Set").values(),
    };
  }

  /** Whether the database has the group of policies, with each of these members whose port exists. */
  hasMembers(role: keyof GroupIds, id: string, members: Iterable<PortPlace>): boolean {
    const [groups, sets, ports] = [
      this.#replica.table("Port_Group"),
      this.#replica.table("Address_Set"),
      this.#replica.table("Logical_Switch_Port"),
    ];
    const lookup: GroupLookup = {
      portGroup: (uuid) => groups.get(uuid),
      addressSet: (uuid) => sets.get(uuid),
      hasPort: (uuid) => ports.get(uuid) !== undefined,
    };
    return hasMembers(lookup, this.#scope, role, id, members);
  }

  /** Calls `listener` until `signal` aborts. */
  subscribe(listener: (sighting: Sighting) => void, signal: AbortSignal): void {
    const stops = [
      this.ports.subscribe({ pool: (node, crossed) => listener({ what: "pool ports", node, crossed }) }),
      this.#followSets(listener),
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

  #followSets(listener: (sighting: Sighting) => void): () => void {
    return this.#replica.subscribe((changes) => {
      let isGrouped = false;
      let isFreed = false;
      const machines = new Set<string>();
      for (const change of changes) {
        if (change.table === "Logical_Switch_Port")
          for (const row of [change.old, change.new]) if (row && !this.#idsOf(row)) machines.add(row.name);
        if (change.table === "NAT" && change.old && !isSameTranslation(change.old, change.new))
          isFreed = true;
        if (change.table !== "Address_Set" && change.table !== "Port_Group") continue;
        const row = change.new ?? change.old;
        if (row && isGroup(row, this.#scope.cluster, "subject", "peer")) isGrouped = true;
        const { kind, name } = parseOwner(row?.external_ids.get(ownership.owner) ?? "");
        if (kind === "node") listener({ what: "held back", node: name });
      }
      if (isFreed) listener({ what: "translations" });
      if (isGrouped) listener({ what: "groups" });
      if (machines.size > 0) listener({ what: "machine ports", names: machines });
    });
  }

  /** The external_ids of a row of this cluster. */
  #idsOf(row: object): ReadonlyMap<unknown, unknown> | undefined {
    const ids: unknown = "external_ids" in row ? row.external_ids : undefined;
    return ids instanceof Map && ids.get(ownership.cluster) === this.#scope.cluster ? ids : undefined;
  }
}
