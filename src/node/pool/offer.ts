// The controller's offer as the agent uses it: from the annotation of its Node to whole ports.

import { nodeSubnetsOf, poolOfferOf } from "../../kube/annotations.ts";
import type { Node } from "../../kube/objects.ts";
import { type Cidr, contains } from "../../model/ip.ts";
import { annotations } from "../../model/names.ts";
import { podNetworkAt } from "../../model/network.ts";
import type { PoolOffer, PoolPort } from "../../model/pool.ts";
import type { Source } from "../whenever.ts";
import { isTagSound, type PoolScope, type PortFacts, rowOf } from "./queueRow.ts";

export interface OfferedPort extends PortFacts {
  /** Not to be claimed any more. */
  readonly withdrawn: boolean;
}

export interface Offer {
  readonly generation: number;
  /** row UUID -> port */
  readonly ports: ReadonlyMap<string, OfferedPort>;
}

/** This node's Node as the API last told it; a `Store<Node>` fits. */
export interface Nodes extends Source {
  get(namespace: string, name: string): Node | undefined;
}

/** Ports that cannot be this node's are left out: beyond its subnets, or with a tag where there are none. */
export function offerIn(scope: PoolScope, subnets: readonly Cidr[], offer: PoolOffer): Offer {
  const entry = (port: PoolPort, open: boolean, withdrawn: boolean): readonly [string, OfferedPort][] => {
    const { offset, tag } = port;
    const network = podNetworkAt(subnets, offset);
    const inside = network.addresses.every(({ ip }) => subnets.some((subnet) => contains(subnet, ip)));
    if (!inside || !isTagSound(scope, port)) return [];
    const name = scope.names.poolPort(scope.nodeName, offset);
    return [[rowOf(scope, offset), { offset, name, tag, open, network, withdrawn }]];
  };
  return {
    generation: offer.generation,
    ports: new Map([
      ...offer.open.flatMap((port) => entry(port, true, false)),
      ...offer.closed.flatMap((port) => entry(port, false, false)),
      ...offer.withdrawn.flatMap((port) => entry(port, false, true)),
    ]),
  };
}

/** The offer in force, read anew only when what it is read from has changed: a Node's heartbeat is no reason. */
export class Offers implements Source {
  readonly #scope: PoolScope;
  readonly #nodes: Nodes;
  #read: { readonly texts: string; readonly offer: Offer | undefined } = { texts: "", offer: undefined };

  constructor(scope: PoolScope, nodes: Nodes) {
    this.#scope = scope;
    this.#nodes = nodes;
  }

  get node(): Node | undefined {
    return this.#nodes.get("", this.#scope.nodeName);
  }

  /** Undefined when there is none, or none that makes sense: then the cache is all there is to go by. */
  get current(): Offer | undefined {
    const { node } = this;
    if (!node) return undefined;
    const texts = [annotations.nodeSubnets, annotations.pool]
      .map((key) => node.annotations[key] ?? "")
      .join();
    if (this.#read.texts !== texts) {
      const subnets = nodeSubnetsOf(node);
      const offer = poolOfferOf(node);
      this.#read = { texts, offer: subnets && offer && offerIn(this.#scope, subnets, offer) };
    }
    return this.#read.offer;
  }

  subscribe(listener: () => void): () => void {
    return this.#nodes.subscribe(listener);
  }
}
