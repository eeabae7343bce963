// What Services read of nodes: the address that a balancer uses in place of a node's own. The switches of the overlay do not
// know a node's own address, but its management address is a port like any other, and the node's firewall turns it back
// (node/host/firewall.ts). So one balancer serves the switches of all nodes.
//
// Nodes report their addresses themselves and may be wrong, or lie. An endpoint that names its node can only get that
// node's management address. One that names no node is left alone when two nodes claim its address.

import type { EndpointSlice } from "../kube/objects.ts";
import { type Cidr, contains, formatIp, type Ip, parseIp } from "../model/ip.ts";
import { type ManagementAddress, managementAddresses, type ResolvedNode } from "../model/network.ts";
import type { Owner } from "../model/owner.ts";

/** As much of a node as plans of Services depend on. */
export interface HostView {
  readonly name: string;
  /** All addresses that the node claims, as text. */
  readonly claims: readonly string[];
  /** Those that balancers replace: none until the node's agent has made its management port. */
  readonly replaced: readonly ManagementAddress[];
}

export const hostViewOf = ({ name, chassisId, gateway, subnets, hostAddresses }: ResolvedNode): HostView => ({
  name,
  claims: hostAddresses.map(formatIp).toSorted(),
  replaced: gateway && chassisId !== undefined ? managementAddresses(subnets, gateway) : [],
});

export class Hosts {
  readonly #pods: readonly Cidr[];
  /** name -> node */
  readonly #nodes = new Map<string, HostView>();
  /** address -> names of the nodes that claim it */
  readonly #claims = new Map<string, Set<string>>();
  /** owner -> the addresses of its endpoints */
  readonly #reads = new Map<Owner, readonly string[]>();
  /** address -> owners with such an endpoint */
  readonly #readers = new Map<string, Set<Owner>>();

  /** Addresses in `pods`, the ranges of pods, are never a node's, so nobody is remembered as their reader. */
  constructor(pods: readonly Cidr[]) {
    this.#pods = pods;
  }

  /** The node is as `view` says, or gone. Returns the owners that have to be planned again. */
  set(name: string, view: HostView | undefined): ReadonlySet<Owner> {
    const before = linesOf(this.#nodes.get(name));
    const after = linesOf(view);
    for (const address of before.keys()) if (!after.has(address)) drop(this.#claims, address, name);
    for (const address of after.keys()) add(this.#claims, address, name);
    if (view) this.#nodes.set(name, view);
    else this.#nodes.delete(name);
    const changed = [...before.keys(), ...after.keys()].filter(
      (address) => before.get(address) !== after.get(address),
    );
    return new Set(changed.flatMap((address) => [...(this.#readers.get(address) ?? [])]));
  }

  /** From now on `owner` is planned from the endpoints of `slices`. */
  follow(owner: Owner, slices: readonly EndpointSlice[]): void {
    const addresses = slices.flatMap(({ endpoints }) => endpoints.flatMap((one) => one.addresses[0] ?? []));
    const reads = [...new Set(addresses.flatMap((text) => this.#perhapsHost(text) ?? []))];
    for (const address of this.#reads.get(owner) ?? []) drop(this.#readers, address, owner);
    for (const address of reads) add(this.#readers, address, owner);
    if (reads.length > 0) this.#reads.set(owner, reads);
    else this.#reads.delete(owner);
  }

  /** Where a balancer sends traffic for the endpoint `address` on the node `nodeName`, "" when the endpoint names none. */
  targetOf(address: Ip, nodeName: string): Ip {
    const claims = this.#claims.get(formatIp(address));
    if (!claims) return address;
    const [only = ""] = claims.size === 1 ? claims : [];
    const node = this.#nodes.get(nodeName === "" ? only : nodeName);
    const found = node?.replaced.find(({ host }) => isSame(host, address));
    return found?.management ?? address;
  }

  #perhapsHost(text: string): string | undefined {
    const ip = parseIp(text);
    return ip && !this.#pods.some((range) => contains(range, ip)) ? formatIp(ip) : undefined;
  }
}

/** address -> what replaces it, "" for nothing. Views with equal lines make no difference to any Service. */
function linesOf(view: HostView | undefined): ReadonlyMap<string, string> {
  const lines = new Map(view?.claims.map((address) => [address, ""]));
  for (const { host, management } of view?.replaced ?? []) lines.set(formatIp(host), formatIp(management));
  return lines;
}

const isSame = (a: Ip, b: Ip): boolean => a.family === b.family && a.value === b.value;

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key);
  if (values) values.add(value);
  else map.set(key, new Set([value]));
}

function drop(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key);
  values?.delete(value);
  if (values?.size === 0) map.delete(key);
}
