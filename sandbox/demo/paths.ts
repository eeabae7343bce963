// Which paths the demo checks, as data: from every pod to every other place; and from every node, and every machine on
// the tenant's network, to every pod and Service. Pure, so that the total can be checked by hand.

/** `connect` is only a TCP handshake, for servers that do not answer strangers. */
export type Way = "icmp" | "tcp" | "udp" | "connect";

export interface Place {
  /** Its name in the matrix: `shop/web-n1`, `n1`, `outside`. */
  readonly name: string;
  /** `machine`: a virtual or physical machine of the tenant that is not a node; only in underlay mode. */
  readonly sort: "pod" | "node" | "service" | "machine" | "outside";
  readonly addresses: readonly string[];
  readonly ports: readonly { readonly way: Exclude<Way, "icmp">; readonly port: number }[];
}

export interface Path {
  readonly id: string;
  readonly from: Place;
  readonly to: Place;
  readonly way: Way;
  readonly address: string;
  readonly port: number;
  /** The client's own port; by default its kernel chooses. */
  readonly fromPort?: number;
}

export interface Result {
  readonly ok: boolean;
  readonly milliseconds: number;
  readonly words: string;
}

/** Every path between the places. Services do not answer pings; a place is not checked against itself. */
export function pathsBetween(places: readonly Place[]): Path[] {
  return places.flatMap((from) =>
    places.filter((to) => from !== to && wanted(from, to)).flatMap((to) => pathsTo(from, to)),
  );
}

function wanted(from: Place, to: Place): boolean {
  if (from.sort === "pod") return true;
  const isBeside = from.sort === "node" || from.sort === "machine";
  return isBeside && (to.sort === "pod" || to.sort === "service");
}

function pathsTo(from: Place, to: Place): Path[] {
  return to.addresses.flatMap((address) => {
    const path = (way: Way, port: number): Path => ({
      id: `${from.name}>${to.name}>${way}>${address}>${port}`,
      from,
      to,
      way,
      address,
      port,
    });
    const pings = to.sort === "service" ? [] : [path("icmp", 0)];
    return [...pings, ...to.ports.map(({ way, port }) => path(way, port))];
  });
}
