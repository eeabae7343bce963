// Chooses a node's id and subnets, and accepts its chassis, all held under the node's name. What a Node's annotations state is
// accepted unless another node holds it.

import { ConfigError } from "../config/error.ts";
import { chassisIdOf, nodeIdOf, nodeSubnetsOf } from "../kube/annotations.ts";
import type { Node } from "../kube/objects.ts";
import type { Cidr } from "../model/ip.ts";
import { formatCidr } from "../model/ip.ts";
import { annotations } from "../model/names.ts";
import { type ClusterNetwork, ofFamily } from "../model/network.ts";
import type { NodeRows } from "../observe/nodeRows.ts";
import { Chassis } from "./allocate/chassis.ts";
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
  readonly #chassis = new Chassis();

  /** node -> what its rows proved at the start */
  readonly #proven = new Map<string, Pick<NodeRows, "id" | "subnets">>();

  constructor(network: ClusterNetwork) {
    this.#network = network;
    this.#subnets = new Subnets(network);
  }

  /** Claims what a node's rows prove. Call this for all nodes with rows before `adopt`. */
  adoptRows({ node, subnets, id, chassis }: NodeRows): void {
    this.#proven.set(node, { subnets, id });
    if (id !== undefined) this.#ids.claim(node, id);
    for (const subnet of subnets) this.#subnets.claim(node, subnet);
    if (chassis !== undefined) this.#chassis.claim(node, chassis);
  }

  /**
   * Claims what the node's annotations state and its rows do not, unless another node has it. Call this for all nodes before
   * `choose`. Returns the subnets that are the node's.
   */
  adopt(node: Node): readonly Cidr[] {
    const { id, subnets } = this.#statedOf(node);
    if (id !== undefined) this.#ids.claim(node.name, id);
    if (this.#chassis.of(node.name) === undefined) this.chassis(node);
    return subnets.filter((subnet) => this.#subnets.claim(node.name, subnet));
  }

  /**
   * The node's id and subnets: those in its annotations where they are valid, otherwise new ones. Throws
   * `ExhaustedError`, or `ConfigError` when the node's subnet is in none of the configured ranges: a new subnet would
   * renumber all its pods, and a mistake in the configuration is more likely.
   */
  choose(node: Node): NodeChoice {
    const { id, subnets: stated } = this.#statedOf(node);
    const foreign = stated.find(
      (subnet) => this.#network.families.includes(subnet.ip.family) && !this.#subnets.knows(subnet),
    );
    if (foreign) {
      throw new ConfigError(
        `node ${node.name}: its subnet ${formatCidr(foreign)} is not in any configured pod range; correct the ranges, or ${this.#proven.has(node.name) ? "delete the Node" : `remove the annotation ${annotations.nodeSubnets}`} to renumber the node`,
      );
    }
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

  /** Whether the node has had rows since the start. */
  isProven(name: string): boolean {
    return this.#proven.has(name);
  }

  /** The chassis that the node states, or the one it had if that is another node's; undefined when it has none. */
  chassis(node: Node): string | undefined {
    const stated = chassisIdOf(node);
    if (stated !== undefined) this.#chassis.claim(node.name, stated);
    return this.#chassis.of(node.name);
  }

  /** The other node that has the chassis which this one states. */
  rival(node: Node): string | undefined {
    return this.#chassis.rival(node.name, chassisIdOf(node) ?? "");
  }

  /** What is known of the node: by its rows, and where they say nothing, by its annotations. */
  #statedOf(node: Node): { readonly id: number | undefined; readonly subnets: readonly Cidr[] } {
    const proven = this.#proven.get(node.name);
    const annotated = nodeSubnetsOf(node) ?? [];
    const others = annotated.filter(({ ip }) => !proven?.subnets.some((own) => own.ip.family === ip.family));
    return { id: proven?.id ?? nodeIdOf(node), subnets: [...(proven?.subnets ?? []), ...others] };
  }

  /** Takes everything from the node. */
  release(name: string): void {
    this.#proven.delete(name);
    this.#ids.release(name);
    this.#subnets.release(name);
    this.#chassis.release(name);
  }
}
