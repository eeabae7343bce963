// A cloud networked by OVN, spoken to by its northbound database: the underlay. The nodes are virtual machines on a
// tenant's network, found by the network card that each node's agent tells of; pods are ports nested in theirs.

import type { EndpointSlice, Service } from "../kube/objects.ts";
import type { Fact, Owner } from "../model/fact.ts";
import { formatIp } from "../model/ip.ts";
import type { ClusterNetwork, GatewayConfig, ResolvedNode } from "../model/network.ts";
import type { LogicalSwitchPortRow, NorthboundTables } from "../ovn/northbound.gen.ts";
import type { Change, Replica } from "../ovsdb/index.ts";
import { Hosts } from "../plan/hosts.ts";
import { type PlannedPort, poolFacts } from "../plan/pool.ts";
import type { Scope } from "../plan/scope.ts";
import { serviceFacts } from "../plan/service.ts";
import { type Tenant, tenantFacts, virtualNodeFacts } from "../plan/tenant.ts";
import type { Cloud, Said } from "./cloud.ts";
import { addressesOf, Machines } from "./machines.ts";
import type { PortStates } from "./portStates.ts";

/** Where a node's ports are nested. */
interface Parent {
  readonly name: string;
  readonly mac: string;
}

export class OvnCloud implements Cloud {
  readonly isNested = true;
  readonly #scope: Scope;
  readonly #network: ClusterNetwork;
  readonly #routerName: string;
  readonly #replica: Replica<NorthboundTables>;
  readonly #ports: PortStates;
  readonly #machines: Machines;
  /** node -> the parent of its ports; kept while the card is not to be found, as its ports still are there */
  readonly #parents = new Map<string, Parent>();
  /** To a Service every address is as good as any other: a node's own is one of the tenant's network. */
  readonly #noHosts = new Hosts([]);

  constructor(
    scope: Scope,
    network: ClusterNetwork,
    routerName: string,
    replica: Replica<NorthboundTables>,
    ports: PortStates,
  ) {
    this.#scope = scope;
    this.#network = network;
    this.#routerName = routerName;
    this.#replica = replica;
    this.#ports = ports;
    this.#machines = new Machines(replica, scope.cluster);
    // For as long as the replica.
    replica.subscribe((changes) => {
      for (const change of changes) this.#machines.take(change);
    });
  }

  clusterFacts(): Said {
    const tenant = this.#tenant();
    return tenant ? tenantFacts(this.#scope, this.#network, tenant) : this.#noTenant();
  }

  nodeFacts(node: ResolvedNode): Said {
    const tenant = this.#tenant();
    return tenant ? virtualNodeFacts(this.#scope, node, tenant) : this.#noTenant();
  }

  poolFacts(node: ResolvedNode, ports: readonly PlannedPort[]): Said {
    if (!node.gateway)
      return { notNow: `node ${node.name}: its agent has not told of its network card yet`, isUsual: true };
    const parent = this.#parentOf(node, node.gateway);
    return typeof parent === "string"
      ? { notNow: `node ${node.name}: ${parent}` }
      : poolFacts(this.#scope, node, ports, parent.name);
  }

  /** Every pod has a port of its node's pool. */
  podFacts(): readonly Fact[] {
    return [];
  }

  serviceFacts(service: Service, slices: readonly EndpointSlice[]): readonly Fact[] {
    return serviceFacts(this.#scope, service, slices, this.#noHosts);
  }

  forgetNode(name: string): void {
    this.#parents.delete(name);
  }

  /** From when the hypervisor has it; no more, once the virtual machine has gone from there. */
  isCarried(name: string): boolean | undefined {
    return this.#ports.synced ? this.#ports.stateOf(name) === "installed" : undefined;
  }

  heard(signal: AbortSignal): Promise<void> {
    return this.#ports.ready(signal);
  }

  foreignTags(node: ResolvedNode): ReadonlySet<number> {
    const parent = this.#parents.get(node.name);
    const others = parent ? this.#machines.nestedIn(parent.name) : [];
    return new Set(others.flatMap(({ tag, tag_request: request }) => tag ?? request ?? []));
  }

  subscribe(listener: (owner: Owner) => void): () => void {
    const stops = [
      this.#ports.subscribe(listener),
      this.#replica.subscribe((changes) => {
        for (const owner of new Set(changes.flatMap((change) => this.#concerned(change)))) listener(owner);
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** The tenant's router and the switches it joins, without those of this cluster's nodes. */
  #tenant(): Tenant | undefined {
    const routers = [...this.#replica.table("Logical_Router").values()];
    const router = routers.find(({ name }) => name === this.#routerName);
    if (!router) return undefined;
    const table = this.#replica.table("Logical_Router_Port");
    const names = router.ports.flatMap((uuid) => table.get(uuid)?.name ?? []);
    return { router: router._uuid, switches: [...this.#machines.facing(names)].toSorted() };
  }

  #noTenant(): Said {
    return {
      notNow: `the cloud has no router ${this.#routerName}; make it, or name another with --cloud-router`,
    };
  }

  /** The port of the node's card on one of the tenant's switches, or why there is none. */
  #parentOf(node: ResolvedNode, { mac }: GatewayConfig): Parent | string {
    const switches = new Set<string>(this.#tenant()?.switches);
    const found = this.#machines
      .withMac(mac)
      .filter(({ port, on }) => switches.has(on) && hasAddresses(port, node))
      .map(({ port }) => port.name);
    const [name] = found;
    const known = this.#parents.get(node.name);
    if (known && (name === undefined || found.includes(known.name))) return known;
    if (name === undefined || found.length > 1)
      return `${found.length === 0 ? "no port" : `more than one port (${found.join(", ")})`} of ${this.#routerName}'s networks has its MAC ${mac} and its addresses`;
    const holder = [...this.#parents].find(([other, parent]) => other !== node.name && parent.name === name);
    if (holder) return `the port ${name} is node ${holder[0]}'s already`;
    const parent = { name, mac };
    this.#parents.set(node.name, parent);
    return parent;
  }

  #concerned(change: Change<NorthboundTables>): readonly Owner[] {
    if (change.table === "Logical_Router")
      return (change.new ?? change.old)?.name === this.#routerName ? ["cluster"] : [];
    const port = change.table === "Logical_Switch_Port" ? (change.new ?? change.old) : undefined;
    if (!port || change.table !== "Logical_Switch_Port" || this.#machines.isOwn(port)) return [];
    if (port.type === "router") return ["cluster"];
    const text = [change.old, change.new].flatMap((one) => (one ? addressesOf(one) : [])).join(" ");
    return [...this.#parents]
      .filter(([, parent]) => parent.name === port.parent_name || text.includes(parent.mac))
      .map(([node]) => `pool/${node}`);
  }
}

/** All of the node's addresses on its card: a MAC alone could be another tenant's. */
const hasAddresses = (port: LogicalSwitchPortRow, { gateway }: ResolvedNode): boolean =>
  addressesOf(port).some((text) => {
    const words = new Set(text.split(" "));
    return gateway?.addresses.every(({ ip }) => words.has(formatIp(ip))) === true;
  });
