// What Services read of nodes: the address that a balancer uses in place of a node's own. The overlay's switches do not
// know a node's own address. But the node's management address is a port like any other, and the node's firewall
// translates it back (node/host/firewall.ts). So one balancer serves the switches of all nodes.
//
// Nodes report their addresses themselves and may be wrong, or lie. An endpoint that names its node can only get that
// node's management address. One that names none, such as the API server's, may be anywhere, also outside of the
// cluster. So only control-plane nodes count there, and no node can make itself one.

import { type Cidr, contains, formatIp, type Ip } from "../model/ip.ts";
import { Multimap } from "../model/multimap.ts";
import { type ManagementAddress, managementAddresses, type ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";
import type { NodeRows } from "../observe/nodeRows.ts";

/** The part of a node that plans of Services depend on. */
export interface HostView {
  readonly name: string;
  /** All addresses that the node claims, as text. */
  readonly claims: readonly string[];
  /** The addresses that balancers replace: none until the node's agent has made its management port. */
  readonly replaced: readonly ManagementAddress[];
  /** The addresses that the node shares with its gateway router. */
  readonly shared: readonly Ip[];
  /** Endpoints at its addresses that name no node mean this node too. */
  readonly isControlPlane: boolean;
  readonly zone: string | undefined;
}

/** What a Service has to know of where clients are. */
export type Distribution = "same everywhere" | "by zone" | "by node";

export const hostViewOf = ({
  name,
  chassisId,
  gateway,
  subnets,
  hostAddresses,
  isControlPlane,
  zone,
}: ResolvedNode): HostView => ({
  name,
  claims: hostAddresses.map(formatIp).toSorted(),
  replaced: gateway && chassisId !== undefined ? managementAddresses(subnets, hostAddresses) : [],
  shared: gateway && chassisId !== undefined ? gateway.addresses.map(({ ip }) => ip) : [],
  isControlPlane: isControlPlane === true,
  zone,
});

/**
 * What rows prove of a node. It counts from the start until the node is decided, because a node that is not listed, or
 * cannot be decided, still has its management port.
 */
export const provenHostView = ({
  node,
  subnets,
  hostAddresses,
  shared,
  isControlPlane,
  zone,
}: NodeRows): HostView => ({
  name: node,
  claims: hostAddresses.map(formatIp).toSorted(),
  replaced: shared.length > 0 ? managementAddresses(subnets, hostAddresses) : [],
  shared,
  isControlPlane,
  zone,
});

export class Hosts {
  /** Every switch is a node's. */
  readonly hasMachines = false;
  readonly #pods: readonly Cidr[];
  /** name -> node */
  readonly #nodes = new Map<string, HostView>();
  /** zone -> names of the nodes in it */
  readonly #zones = new Multimap<string | undefined, string>();
  /** address -> names of the nodes that claim it */
  readonly #claims = new Multimap<string, string>();
  /** owner -> the addresses of its endpoints, and the nodes that it has balancers for */
  readonly #reads = new Map<Owner, readonly string[]>();
  /** address or node -> owners that depend on it */
  readonly #readers = new Multimap<string, Owner>();

  /** Addresses in `pods`, the pod ranges, never belong to a node, so readers of them are not remembered. */
  constructor(pods: readonly Cidr[]) {
    this.#pods = pods;
  }

  /** The node changed to `view`, or is gone. Returns the owners that have to be planned again. */
  set(name: string, view: HostView | undefined): ReadonlySet<Owner> {
    const old = this.#nodes.get(name);
    const before = linesOf(old);
    const after = linesOf(view);
    for (const line of before.keys()) if (!after.has(line)) this.#claims.delete(line, name);
    for (const line of after.keys()) this.#claims.add(line, name);
    if (view) this.#nodes.set(name, view);
    else this.#nodes.delete(name);
    const changed = [...before.keys(), ...after.keys()].filter(
      (line) => before.get(line) !== after.get(line),
    );
    return new Set(
      [...changed, ...this.#move(name, old, view)].flatMap((line) => [...this.#readers.get(line)]),
    );
  }

  /** Notes the node's zone. Returns the dependencies that have changed: which nodes or which zones there are. */
  #move(name: string, old: HostView | undefined, now: HostView | undefined): readonly string[] {
    if (old && now && old.zone === now.zone) return [];
    if (old) this.#zones.delete(old.zone, name);
    const isLast = old !== undefined && this.#zones.get(old.zone).size === 0;
    const isFirst = now !== undefined && this.#zones.get(now.zone).size === 0;
    if (now) this.#zones.add(now.zone, name);
    return isFirst || isLast ? [lineOfNodes, lineOfZones] : [lineOfNodes];
  }

  /**
   * From now on `owner` depends on these addresses of endpoints, on what is known of these nodes, and on which zones or
   * nodes there are.
   */
  follow(
    owner: Owner,
    addresses: readonly Ip[],
    nodes: Iterable<string> = [],
    distribution: Distribution = "same everywhere",
  ): void {
    const hosts = addresses.filter((ip) => !this.#pods.some((range) => contains(range, ip)));
    const places = linesOfPlaces[distribution];
    const reads = [...new Set([...hosts.map(formatIp), ...[...nodes].map(lineOfNode), ...places])];
    for (const address of this.#reads.get(owner) ?? []) this.#readers.delete(address, owner);
    for (const address of reads) this.#readers.add(address, owner);
    if (reads.length > 0) this.#reads.set(owner, reads);
    else this.#reads.delete(owner);
  }

  /** The node, once its place in the network has been decided. */
  node(name: string): HostView | undefined {
    return this.#nodes.get(name);
  }

  /** Every node, in the order of names. */
  nodes(): readonly HostView[] {
    return [...this.#nodes.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The zones that nodes are in, sorted; undefined among them when one says nothing of a zone. */
  zones(): readonly (string | undefined)[] {
    return [...this.#zones.keys()].toSorted((a, b) =>
      a === undefined ? 1 : b === undefined || a < b ? -1 : 1,
    );
  }

  /** Where a balancer sends traffic for the endpoint `address` on the node `nodeName` ("" when the endpoint names none). */
  targetOf(address: Ip, nodeName: string): Ip {
    const claims = this.#claims.get(formatIp(address));
    if (claims.size === 0) return address;
    const node = nodeName === "" ? this.#meantBy(claims) : this.#nodes.get(nodeName);
    const found = node?.replaced.find(({ host }) => isSame(host, address));
    return found?.management ?? address;
  }

  /** The only node of the control plane among those that claim an address. */
  #meantBy(claims: ReadonlySet<string>): HostView | undefined {
    const [only, ...others] = [...claims].filter((name) => this.#nodes.get(name)?.isControlPlane);
    return only !== undefined && others.length === 0 ? this.#nodes.get(only) : undefined;
  }
}

/** No address has a blank. */
const lineOfNode = (name: string): string => `node ${name}`;
/** Which nodes there are, and where. */
const lineOfNodes = "all nodes";
/** Which zones there are. */
const lineOfZones = "all zones";

const linesOfPlaces: Readonly<Record<Distribution, readonly string[]>> = {
  "same everywhere": [],
  "by zone": [lineOfZones],
  "by node": [lineOfNodes],
};

/**
 * address -> what replaces it, if anything does, and for which endpoints; node -> the addresses that it shares. Views
 * with equal lines are the same to every Service.
 */
function linesOf(view: HostView | undefined): ReadonlyMap<string, string> {
  if (!view) return new Map();
  const whom = view.isControlPlane ? " for all" : "";
  const lines = new Map(view.claims.map((address) => [address, whom]));
  lines.set(lineOfNode(view.name), view.shared.map(formatIp).join());
  for (const { host, management } of view.replaced) lines.set(formatIp(host), formatIp(management) + whom);
  return lines;
}

const isSame = (a: Ip, b: Ip): boolean => a.family === b.family && a.value === b.value;
