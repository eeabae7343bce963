// The lives of nodes: what was chosen for a node is made durable, kept for as long as the node has rows or pods, and
// then given back. nodeChoices.ts makes the choices.

import { ConfigError } from "../config/error.ts";
import {
  type AnnotationValues,
  chassisIdOf,
  nodeIdAnnotation,
  nodeIdOf,
  nodeSubnetsAnnotation,
  nodeSubnetsOf,
  refusedChassisAnnotation,
  refusedChassisOf,
} from "../kube/annotations.ts";
import type { Node } from "../kube/objects.ts";
import { type Cidr, formatCidr } from "../model/ip.ts";
import type { ClusterNetwork, ResolvedNode } from "../model/network.ts";
import type { NodeRows } from "../observe/nodeRows.ts";
import type { Decision } from "./decision.ts";
import { Durable, type Patch } from "./durable.ts";
import { ExhaustedError } from "./errors.ts";
import { hostOverlap } from "./hostOverlap.ts";
import { type NodeChoice, NodeChoices } from "./nodeChoices.ts";
import { resolvedNode } from "./places.ts";

interface Life extends NodeChoice {
  readonly durable: Durable;
  /** Set once the choice is durable. */
  resolved: ResolvedNode | undefined;
  /** Rows of the node may be in the database. */
  hasRows: boolean;
  /** The object is gone. A new one of the same name may take over. */
  gone: boolean;
  /** Uids of the pods that have an address of this node. */
  readonly pods: Set<string>;
}

/**
 * `before` and `after` are what is known of the node; undefined when it does not exist or is not decided. Both are undefined
 * when nothing is held for it any more.
 */
export type NodeListener = (
  name: string,
  before: ResolvedNode | undefined,
  after: ResolvedNode | undefined,
) => void;

export interface NodeLivesOptions {
  readonly network: ClusterNetwork;
  readonly patch: Patch;
  /** Called when nothing is held for the node any more. */
  readonly onForgotten: (name: string) => void;
}

export class NodeLives {
  readonly #options: NodeLivesOptions;
  readonly #choices: NodeChoices;
  readonly #listeners = new Set<NodeListener>();
  /** name -> its life */
  readonly #lives = new Map<string, Life>();

  constructor(options: NodeLivesOptions) {
    this.#options = options;
    this.#choices = new NodeChoices(options.network);
  }

  /** Claims what the rows of a node prove. Call this for all nodes with rows before `adopt`. */
  adoptRows(rows: NodeRows): void {
    this.#choices.adoptRows(rows);
  }

  /** Claims what is stated of the node and nobody else has. Call this for all nodes before `decide`. Returns its subnets. */
  adopt(node: Node): readonly Cidr[] {
    return this.#choices.adopt(node);
  }

  /** Calls `listener` after what is known of a node has changed. */
  subscribe(listener: NodeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get(name: string): ResolvedNode | undefined {
    return this.#lives.get(name)?.resolved;
  }

  /** Every node that is ready, as last known. */
  *values(): Iterable<ResolvedNode> {
    for (const { resolved } of this.#lives.values()) if (resolved) yield resolved;
  }

  /** Whether the node had rows at the start, and they have not all gone since. */
  isProven(name: string): boolean {
    return this.#choices.isProven(name);
  }

  decide(node: Node): Decision<ResolvedNode> {
    const life = this.#lifeOf(node);
    if ("refused" in life) return { state: "refused", reason: life.refused };
    life.gone = false;
    life.hasRows = true;
    const written = life.durable.write(node, stated(life.id, life.subnets), () =>
      stated(nodeIdOf(node), nodeSubnetsOf(node)),
    );
    if (written) return { state: "pending", written, distrusted: distrustOf(node, life) };
    const chassisId = this.#choices.chassis(node);
    const clash = this.clash(node);
    if (clash && chassisId === undefined) {
      // Without a chassis its pods' ports could be bound by any chassis, even by the one it states.
      this.#resolve(node.name, life, undefined);
      return { state: "waiting", reason: clash.reason };
    }
    const resolved = resolvedNode(node, life, chassisId);
    const overlap = hostOverlap(this.#options.network, resolved);
    if (overlap !== undefined) return { state: "refused", reason: `node ${node.name}: ${overlap}` };
    this.#resolve(node.name, life, resolved);
    return { state: "ready", value: resolved };
  }

  /** The node that has the chassis which this one states, and what to do about it. */
  clash(node: Node): { readonly holder: string; readonly reason: string } | undefined {
    const holder = this.#choices.rival(node);
    if (holder === undefined) return undefined;
    const reason = `nodes ${holder} and ${node.name} have one system-id, ${chassisIdOf(node)}, and so would be one chassis of OVN; ${holder} had it first, and ${node.name} gets no flows. On ${node.name}: ovs-vsctl set Open_vSwitch . external_ids:system-id=$(uuidgen), then restart ovn-controller and the Weft agent`;
    return { holder, reason };
  }

  /** Tells the node's agent whether its chassis is refused, so that it does not disturb the one that has it. */
  async answer(node: Node): Promise<void> {
    const refused = this.clash(node) && chassisIdOf(node);
    if (refusedChassisOf(node) === refused) return;
    const { uid, name, namespace } = node;
    const values = refusedChassisAnnotation(refused);
    await this.#options.patch({ kind: "Node", uid, name, namespace, annotations: values });
  }

  /** The Node object is gone. Its id and subnets stay held: it still has rows, and it may come back. */
  gone(name: string): void {
    const life = this.#lives.get(name);
    if (!life) return;
    life.gone = true;
    this.#resolve(name, life, undefined);
  }

  /** The node has no rows left. While pods with its addresses live, its subnets stay held. */
  release(name: string): void {
    const life = this.#lives.get(name);
    if (life) life.hasRows = false;
    if (!life || (life.gone && life.pods.size === 0)) this.#forget(name);
  }

  /** Notes that the pod has an address of the node. */
  addPod(name: string, uid: string): void {
    this.#lives.get(name)?.pods.add(uid);
  }

  dropPod(name: string, uid: string): void {
    const life = this.#lives.get(name);
    life?.pods.delete(uid);
    if (life?.gone && !life.hasRows && life.pods.size === 0) this.#forget(name);
  }

  #forget(name: string): void {
    this.#choices.release(name);
    this.#lives.delete(name);
    this.#options.onForgotten(name);
    for (const listener of this.#listeners) listener(name, undefined, undefined);
  }

  #resolve(name: string, life: Life, resolved: ResolvedNode | undefined): void {
    const before = life.resolved;
    life.resolved = resolved;
    if (before || resolved) for (const listener of this.#listeners) listener(name, before, resolved);
  }

  #lifeOf(node: Node): Life | { readonly refused: string } {
    const known = this.#lives.get(node.name);
    if (known) return known;
    try {
      const choice = this.#choices.choose(node);
      const life: Life = {
        ...choice,
        durable: new Durable(this.#options.patch),
        resolved: undefined,
        hasRows: true,
        gone: false,
        pods: new Set(),
      };
      this.#lives.set(node.name, life);
      return life;
    } catch (error) {
      if (error instanceof ExhaustedError || error instanceof ConfigError) return { refused: error.message };
      throw error;
    }
  }
}

const stated = (id: number | undefined, subnets: readonly Cidr[] | undefined): AnnotationValues => ({
  ...(id !== undefined && nodeIdAnnotation(id)),
  ...(subnets && nodeSubnetsAnnotation(subnets)),
});

/** Why the node's own annotation is replaced; undefined when it has none. */
function distrustOf(node: Node, { subnets }: NodeChoice): string | undefined {
  const texts = (nodeSubnetsOf(node) ?? []).map(formatCidr);
  const decided = subnets.map(formatCidr);
  const wrong = texts.filter((text) => !decided.includes(text));
  return wrong.length === 0 ? undefined : `${wrong.join(", ")} is not its subnet, but ${decided.join(", ")}`;
}
