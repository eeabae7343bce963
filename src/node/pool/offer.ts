// The controller's offer as the agent uses it: from the annotation on its Node to complete ports.

import { nodeSubnetsOf, poolOfferOf } from "../../kube/annotations.ts";
import type { Node } from "../../kube/objects.ts";
import { type Cidr, contains } from "../../model/ip.ts";
import { annotations } from "../../model/names.ts";
import { podNetworkAt } from "../../model/network.ts";
import { isAsLate, type OfferName, type PoolOffer, type PoolPort } from "../../model/pool.ts";
import type { Source } from "../wait/whenever.ts";
import {
  type ExternalIds,
  isTagSound,
  type PoolScope,
  type PortFacts,
  rowOf,
  type TakenOffer,
  takenOfferIn,
} from "./queueRow.ts";

export interface OfferedPort extends PortFacts {
  /** No pod may claim it any more. */
  readonly withdrawn: boolean;
}

export interface Offer extends OfferName {
  /** The generation in which something was last taken back. */
  readonly asked: number;
  /** row UUID -> port */
  readonly ports: ReadonlyMap<string, OfferedPort>;
}

/** This node's Node as the API server last reported it; a `Store<Node>` fits. */
export interface Nodes extends Source {
  /** Whether everything there is has been reported. */
  readonly synced: boolean;
  get(namespace: string, name: string): Node | undefined;
}

/** Leaves out ports that cannot be this node's: outside its subnets, or with a tag where ports have none. */
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
    line: offer.line,
    from: offer.from,
    generation: offer.generation,
    asked: offer.asked,
    ports: new Map([
      ...offer.open.flatMap((port) => entry(port, true, false)),
      ...offer.closed.flatMap((port) => entry(port, false, false)),
      ...offer.withdrawn.flatMap((port) => entry(port, false, true)),
    ]),
  };
}

/** The part of the cache that remembers which offer has been taken in; a `PoolCache` fits. */
export interface OfferMemory {
  offerIds(): ExternalIds | undefined;
}

/** The offer in force. Parsed anew only when its inputs change, which a Node's heartbeat does not. */
export class Offers implements Source {
  readonly #scope: PoolScope;
  readonly #nodes: Nodes;
  readonly #memory: OfferMemory;
  #read: { readonly texts: string; readonly offer: Offer | undefined } = { texts: "", offer: undefined };

  constructor(scope: PoolScope, nodes: Nodes, memory: OfferMemory) {
    this.#scope = scope;
    this.#nodes = nodes;
    this.#memory = memory;
  }

  get node(): Node | undefined {
    return this.#nodes.get("", this.#scope.nodeName);
  }

  /** Undefined when there is no offer, an invalid one, or an outdated one. */
  get current(): Offer | undefined {
    return this.outdated ? undefined : this.#stated;
  }

  /**
   * The offer taken in last, if it is later than the Node's: an older state of the API server's database has been
   * restored, or the Node was made anew. Ports in the Node's offer may have been taken away since. Undefined when the
   * Node's offer is current.
   */
  get outdated(): TakenOffer | undefined {
    const stated = this.#stated;
    const taken = takenOfferIn(this.#memory.offerIds() ?? new Map());
    return stated && taken && !isAsLate(stated, taken) ? taken : undefined;
  }

  /** Since the agent started, the API server has reported nothing about the Node, not even that there is none. */
  get unheard(): boolean {
    return !this.node && !this.#nodes.synced;
  }

  get #stated(): Offer | undefined {
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
