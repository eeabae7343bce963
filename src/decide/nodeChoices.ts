// Chooses a node's id and subnets, held under the node's name. What a Node's annotations state is accepted unless
// another node holds it.

import { ConfigError } from "../config/error.ts";
import { nodeIdOf, nodeSubnetsOf } from "../kube/annotations.ts";
import type { Node } from "../kube/objects.ts";
import type { Cidr } from "../model/ip.ts";
import { formatCidr } from "../model/ip.ts";
import { annotations } from "../model/names.ts";
import { type ClusterNetwork, ofFamily } from "../model/network.ts";
import { NodeIds } from "./allocate/nodeIds.ts";
import { Subnets } from "./allocate/subnets.ts";

export interface NodeChoice {
  readonly id: number;
  /** In the order of the cluster's families. */
  readonly subnets: readonly Cidr[];
}

export class NodeChoices {
  readonly #network: ClusterNetwork;
  readonly #ids = new NodeIds();
  readonly #subnets: Subnets;

  constructor(network: ClusterNetwork) {
    this.#network = network;
    this.#subnets = new Subnets(network);
  }

  /** Claims what the node's annotations state, unless another node has it. Call this for all nodes before `choose`. */
  adopt(node: Node): void {
    const id = nodeIdOf(node);
    if (id !== undefined) this.#ids.claim(node.name, id);
    for (const subnet of nodeSubnetsOf(node) ?? []) this.#subnets.claim(node.name, subnet);
  }

  /**
   * The node's id and subnets: those in its annotations where they are valid, otherwise new ones. Throws
   * `ExhaustedError`, or `ConfigError` when the node's subnet is in none of the configured ranges: a new subnet would
   * renumber all its pods, and a mistake in the configuration is more likely.
   */
  choose(node: Node): NodeChoice {
    const stated = nodeSubnetsOf(node) ?? [];
    const foreign = stated.find(
      (subnet) => this.#network.families.includes(subnet.ip.family) && !this.#subnets.knows(subnet),
    );
    if (foreign) {
      throw new ConfigError(
        `node ${node.name}: its subnet ${formatCidr(foreign)} is not in any configured pod range; correct the ranges, or remove the annotation ${annotations.nodeSubnets} to renumber the node`,
      );
    }
    const id = nodeIdOf(node);
    const subnets: Cidr[] = [];
    const taken: Cidr[] = [];
    try {
      for (const family of this.#network.families) {
        const own = ofFamily(stated, family);
        if (own && this.#subnets.claim(node.name, own)) subnets.push(own);
        else {
          const subnet = this.#subnets.take(node.name, family);
          subnets.push(subnet);
          taken.push(subnet);
        }
      }
      const isOwn = id !== undefined && this.#ids.claim(node.name, id);
      return { subnets, id: isOwn ? id : this.#ids.take(node.name) };
    } catch (error) {
      for (const subnet of taken) this.#subnets.drop(node.name, subnet);
      throw error;
    }
  }

  /** Takes everything from the node. */
  release(name: string): void {
    this.#ids.release(name);
    this.#subnets.release(name);
  }
}
