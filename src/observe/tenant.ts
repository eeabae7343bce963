// What a cloud's northbound database tells about the tenant whose virtual machines are the nodes: the router, the
// switches that it joins, and the machines' ports on these.

import { type Cidr, parseCidr } from "../model/ip.ts";
import type {
  LogicalRouterPortRow,
  LogicalRouterRow,
  LogicalSwitchPortRow,
  LogicalSwitchRow,
  NorthboundTables,
} from "../ovn/northbound.gen.ts";
import type { Change, Replica } from "../ovsdb/index.ts";
import { addressesOf, Machines } from "./machines.ts";

/** What the cloud's tenant has apart from Weft's own. */
export interface Tenant {
  readonly router: LogicalRouterRow["_uuid"];
  /** The machines' switches that the router joins. */
  readonly switches: readonly LogicalSwitchRow["_uuid"][];
  /** The ports of these switches that face the router. */
  readonly routerPorts: readonly LogicalSwitchPortRow["_uuid"][];
  /** The networks that the router's ports are in, the external ones too. */
  readonly networks: readonly Cidr[];
  /** Where the router translates addresses; empty where it cannot. */
  readonly gateways: readonly TenantGateway[];
}

/** A port of the router by which packets leave the cloud, on one hypervisor at a time. */
export interface TenantGateway {
  readonly port: LogicalRouterPortRow["_uuid"];
  readonly networks: readonly Cidr[];
  /** The switches that it joins. */
  readonly switches: readonly LogicalSwitchRow["_uuid"][];
  /** The physical networks behind these. */
  readonly physicalNetworks: readonly string[];
  /** OVN announces the addresses that the router translates there, each from where it is translated. */
  readonly isAnnounced: boolean;
}

/** A machine's port, nested or not, changed: its name, its parent's name, and its addresses before and after. */
export interface MachineChange {
  readonly parent: string | undefined;
  readonly addresses: string;
}

export interface TenantListener {
  /** The router changed, a network of it, or the set of switches that it joins. */
  readonly tenant: () => void;
  readonly machine: (change: MachineChange) => void;
}

export class TenantView {
  /** The name of the tenant's router. */
  readonly router: string;
  readonly #replica: Replica<NorthboundTables>;
  readonly #machines: Machines;

  /** Follows the replica for as long as the replica lives. The replica need not be synced yet. */
  constructor(replica: Replica<NorthboundTables>, cluster: string, router: string) {
    this.router = router;
    this.#replica = replica;
    this.#machines = new Machines(replica, cluster);
    replica.subscribe((changes) => {
      for (const change of changes) this.#machines.take(change);
    });
  }

  /**
   * The router and the switches it joins, except those of this cluster's nodes; undefined while the router does not
   * exist.
   */
  tenant(): Tenant | undefined {
    const router = this.#router();
    if (!router) return undefined;
    const table = this.#replica.table("Logical_Router_Port");
    const ports = router.ports.flatMap((uuid) => table.get(uuid) ?? []);
    const names = ports.map(({ name }) => name);
    const others = ports.filter((port) => !this.#machines.isOwn(port));
    return {
      router: router._uuid,
      switches: [...this.#machines.facing(names)].toSorted(),
      routerPorts: this.#machines.portsFacing(names).toSorted(),
      networks: others.flatMap(networksOf),
      gateways: others.filter(isGateway).map((port) => this.#gateway(port)),
    };
  }

  #gateway(port: LogicalRouterPortRow): TenantGateway {
    const rows = this.#replica.table("Logical_Switch_Port");
    const facing = this.#machines.portsFacing([port.name]).flatMap((uuid) => rows.get(uuid) ?? []);
    const switches = [...this.#machines.facing([port.name])].toSorted();
    return {
      port: port._uuid,
      networks: networksOf(port),
      switches,
      physicalNetworks: switches
        .flatMap((uuid) => this.#replica.table("Logical_Switch").get(uuid)?.ports ?? [])
        .flatMap((uuid) => rows.get(uuid) ?? [])
        .flatMap(({ type, options }) => (type === "localnet" ? (options.get("network_name") ?? []) : [])),
      isAnnounced: facing.some(({ options }) => options.get("nat-addresses") === "router"),
    };
  }

  /** Names of the ports with this MAC and all of these addresses on one of the tenant's switches. */
  portsWith(mac: string, addresses: readonly string[]): readonly string[] {
    const switches = new Set<string>(this.tenant()?.switches);
    return this.#machines
      .withMac(mac)
      .filter(({ port, on }) => switches.has(on) && hasAll(port, addresses))
      .map(({ port }) => port.name);
  }

  /** Whether the port is on one of the tenant's switches that the router joins. */
  hasOnNetwork(port: string): boolean {
    const on = this.#machines.switchOf(port);
    return on !== undefined && this.tenant()?.switches.some((uuid) => uuid === on) === true;
  }

  /** Walks all ports, so call it rarely. */
  hasPort(name: string): boolean {
    return [...this.#replica.table("Logical_Switch_Port").values()].some((port) => port.name === name);
  }

  /** The VLAN tags of ports on the port `parent` that belong to somebody else. */
  foreignTags(parent: string): ReadonlySet<number> {
    const others = this.#machines.nestedIn(parent);
    return new Set(others.flatMap(({ tag, tag_request: request }) => tag ?? request ?? []));
  }

  /** Returns a function that ends the calls. */
  subscribe(listener: TenantListener): () => void {
    return this.#replica.subscribe((changes) => {
      let isTenantChanged = false;
      for (const change of changes) {
        if (this.#isTenants(change)) isTenantChanged = true;
        else if (change.table === "Logical_Switch_Port") this.#tellMachine(change.old, change.new, listener);
      }
      if (isTenantChanged) listener.tenant();
    });
  }

  #router(): LogicalRouterRow | undefined {
    const routers = [...this.#replica.table("Logical_Router").values()];
    return routers.find(({ name }) => name === this.router);
  }

  #isTenants(change: Change<NorthboundTables>): boolean {
    const isOthers = (port: LogicalSwitchPortRow | LogicalRouterPortRow | undefined): boolean =>
      port !== undefined && !this.#machines.isOwn(port);
    if (change.table === "Logical_Router")
      return [change.old, change.new].some((router) => router?.name === this.router);
    // A port that comes or goes changes the router as well.
    if (change.table === "Logical_Router_Port")
      return isOthers(change.new) && change.old !== undefined && this.#hasPort(change.uuid);
    return (
      change.table === "Logical_Switch_Port" &&
      [change.old, change.new].some((port) => port?.type === "router" && isOthers(port))
    );
  }

  #hasPort(uuid: string): boolean {
    return this.#router()?.ports.some((port) => port === uuid) === true;
  }

  #tellMachine(
    old: LogicalSwitchPortRow | undefined,
    now: LogicalSwitchPortRow | undefined,
    listener: TenantListener,
  ): void {
    const port = now ?? old;
    if (!port || this.#machines.isOwn(port)) return;
    const addresses = [old, now].flatMap((row) => (row ? addressesOf(row) : [])).join(" ");
    listener.machine({ parent: port.parent_name, addresses });
  }
}

const networksOf = ({ networks }: LogicalRouterPortRow): readonly Cidr[] =>
  networks.flatMap((text) => parseCidr(text) ?? []);

/** OVN calls it a distributed gateway port. */
const isGateway = (port: LogicalRouterPortRow): boolean =>
  port.gateway_chassis.length > 0 || port.ha_chassis_group !== undefined;

/** The port must have all addresses of the node's card: another tenant may use the same MAC. */
const hasAll = (port: LogicalSwitchPortRow, addresses: readonly string[]): boolean =>
  addressesOf(port).some((text) => {
    const words = new Set(text.split(" "));
    return addresses.every((address) => words.has(address));
  });
