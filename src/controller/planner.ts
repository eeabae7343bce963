// Plans one owner: looks its objects up, asks for the decision it needs, and states its facts. Called for an owner as often
// as anything about it may have changed, in any order; what is not decided yet is planned when it is.

import type { Cloud, Said } from "../cloud/cloud.ts";
import { type Decider, type PodPlace, wantsAddress } from "../decide/decider.ts";
import type { Decision } from "../decide/decision.ts";
import type { PoolSurroundings } from "../decide/pools.ts";
import type { Desired } from "../desired/desired.ts";
import { isConflict } from "../kube/error.ts";
import type { Node, ObjectMeta, Pod } from "../kube/objects.ts";
import type { Fact, Owner } from "../model/fact.ts";
import type { ResolvedNode } from "../model/network.ts";
import { type Hosts, hostViewOf } from "../plan/hosts.ts";
import { samePlaceOfPods } from "../plan/pod.ts";
import { type OwnerName, ownerOf, parseOwner, poolOwner } from "./owners.ts";
import type { Stores } from "./stores.ts";

export interface PlannerOptions {
  readonly cloud: Cloud;
  readonly stores: Stores;
  readonly decider: Decider;
  readonly desired: Desired;
  readonly hosts: Hosts;
  /** Asks for other owners to be planned, since something they depend on has changed. */
  readonly enqueue: (owner: Owner) => void;
  /** Asks for the owner to be planned again after a while, since it goes on with time. */
  readonly enqueueLater: (owner: Owner, delayMs: number) => void;
  /** Resolves when the database holds what the owner says, and nothing more of what it no longer says. */
  readonly committed: (owner: Owner) => Promise<void>;
  /** The rows of these facts may go: their objects are gone by the server's word, or want them no more. */
  readonly expectGone: (facts: readonly Fact[]) => void;
  /** What is the case around a node's pool. */
  readonly around: (node: ResolvedNode) => PoolSurroundings;
  readonly tell: Tell;
}

/** What the planner has to say about an object, to people and to metrics. */
export interface Tell {
  readonly refused: (object: Node | Pod, reason: string) => void;
  readonly distrusted: (object: Node | Pod, reason: string) => void;
  readonly decided: (pod: Pod) => void;
}

/** The marker of a failure that was told already: the queue tries the owner again, later. */
export class NotNow extends Error {
  override readonly name = "NotNow";
}

export class Planner {
  readonly #options: PlannerOptions;
  /** Owners whose objects are gone by the server's word. */
  readonly #told = new Set<Owner>();
  /** Pools with pods that a policy, or not knowing all of them, keeps cut off. */
  readonly #cutOff = new Set<Owner>();

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  /** The server said that the owner's object is gone. */
  told(owner: Owner): void {
    this.#told.add(owner);
  }

  /** What kept pods cut off may keep them no more: a policy has changed, or more is known. */
  policiesChanged(): void {
    for (const owner of this.#cutOff) this.#options.enqueue(owner);
  }

  async plan(owner: Owner): Promise<void> {
    const name = parseOwner(owner);
    switch (name.kind) {
      case "cluster":
        return this.#say(owner, undefined, this.#options.cloud.clusterFacts());
      case "node":
        return this.#planNode(owner, name);
      case "pod":
        return this.#planPod(owner, name);
      case "pool":
        return this.#planPool(owner, name);
      case "service":
        return this.#planService(owner, name);
    }
  }

  async #planNode(owner: Owner, { name }: OwnerName): Promise<void> {
    const { stores, decider, cloud, enqueue } = this.#options;
    const before = decider.resolvedNode(name);
    const node = stores.Node.get("", name);
    if (!node) {
      decider.nodeGone(name);
      this.#state(owner, undefined, []);
      this.#afterCommit(owner, () => decider.releaseNode(name));
    } else {
      const resolved = await this.#decided(node, () => decider.node(stores.Node.get("", name) ?? node));
      if (resolved) this.#say(owner, node, cloud.nodeFacts(resolved));
    }
    if (decider.pools) enqueue(poolOwner(name));
    this.#nodeChanged(name, before, decider.resolvedNode(name));
  }

  async #planPod(owner: Owner, { namespace, name }: OwnerName): Promise<void> {
    const { stores, decider, cloud, tell } = this.#options;
    const seen = stores.Pod.get(namespace, name);
    // Another pod may come under the name while this one's choice is written.
    let pod = seen;
    const decide = (): Decision<PodPlace> => {
      pod = stores.Pod.get(namespace, name);
      return pod ? decider.pod(pod) : { state: "none" };
    };
    const place = seen && (await this.#decided(seen, decide));
    const node = pod && decider.resolvedNode(pod.nodeName);
    if (pod && place && node) {
      tell.decided(pod);
      this.#say(owner, pod, place.ownPort ? cloud.podFacts(pod, node, place.network) : []);
    } else {
      // A pod whose node is missing still wants its port, should the node come back.
      const now = stores.Pod.get(namespace, name);
      this.#state(owner, now && !wantsAddress(now) ? now : undefined, []);
    }
    const former = decider.formerPods(namespace, name, pod && wantsAddress(pod) ? pod.uid : undefined);
    if (former.length === 0) return;
    this.#afterCommit(owner, () => {
      for (const uid of former) decider.releasePod(namespace, name, uid);
    });
  }

  /** A pool goes on step by step, each when what the one before it asked for is there. */
  async #planPool(owner: Owner, { name }: OwnerName): Promise<void> {
    const { stores, decider, cloud, around, enqueueLater, tell } = this.#options;
    const node = stores.Node.get("", name);
    const resolved = decider.resolvedNode(name);
    if (!decider.pools) return;
    if (!node) {
      this.#cutOff.delete(owner);
      cloud.forgetNode(name);
      return this.#state(owner, undefined, []);
    }
    if (!resolved) return;
    const pods = stores.Pod.by("node", name).filter(wantsAddress);
    const decision = decider.pools.next(node, resolved, pods, around(resolved));
    const { ports, cutOff, problem, againMs } = decision;
    if (againMs !== undefined) enqueueLater(owner, againMs);
    this.#say(owner, node, cloud.poolFacts(resolved, ports));
    if (problem !== undefined) tell.refused(node, problem);
    for (const { pod, verdict } of cutOff) if (verdict === "selected") tell.refused(pod, stillCutOff);
    if (cutOff.length > 0) this.#cutOff.add(owner);
    else this.#cutOff.delete(owner);
    await decider.pools.write(node).catch((error: unknown) => {
      // The watch is about to show who was faster.
      throw isConflict(error) ? new NotNow(error.message) : error;
    });
  }

  #planService(owner: Owner, { namespace, name }: OwnerName): void {
    const { stores, cloud, hosts } = this.#options;
    const service = stores.Service.get(namespace, name);
    const slices = stores.EndpointSlice.by("service", `${namespace}/${name}`);
    hosts.follow(owner, service ? slices : []);
    this.#say(owner, service, service ? cloud.serviceFacts(service, slices, hosts) : []);
  }

  /** What was decided, undefined when there is nothing to plan now. Rejects with NotNow when it has to be tried again. */
  async #decided<T>(object: Node | Pod, decide: () => Decision<T>): Promise<T | undefined> {
    const { tell } = this.#options;
    for (;;) {
      const decision = decide();
      switch (decision.state) {
        case "ready":
          return decision.value;
        case "none":
        case "waiting":
          return undefined;
        case "refused":
          tell.refused(object, decision.reason);
          throw new NotNow(decision.reason);
        case "pending":
          if (decision.distrusted !== undefined) tell.distrusted(object, decision.distrusted);
          await decision.written;
      }
    }
  }

  /** What the owner says from now on; rejects with NotNow when that cannot be known yet. */
  #say(owner: Owner, object: ObjectMeta | undefined, said: Said): void {
    if (!("notNow" in said)) return this.#state(owner, object, said);
    const { stores, tell } = this.#options;
    const { kind, name } = parseOwner(owner);
    const node = kind === "node" || kind === "pool" ? stores.Node.get("", name) : undefined;
    if (node && !said.isUsual) tell.refused(node, said.notNow);
    throw new NotNow(said.notNow);
  }

  /**
   * From now on the owner says `facts`. An object that is there, or that the server said is gone, may take rows back;
   * one that a list merely lacks is the prune guard's business.
   */
  #state(owner: Owner, object: ObjectMeta | undefined, facts: readonly Fact[]): void {
    const { desired, expectGone } = this.#options;
    const told = this.#told.delete(owner);
    if (object || told) {
      const kept = new Set(facts.map((fact) => fact.uuid));
      expectGone(desired.factsOf(owner).filter((fact) => !kept.has(fact.uuid)));
    }
    desired.replace(owner, facts);
  }

  /** What was chosen for an object that has gone is free once its rows have left the database. */
  #afterCommit(owner: Owner, release: () => void): void {
    // Rejects only when the term ends, and then the next one begins with what the databases hold.
    this.#options.committed(owner).then(release, () => undefined);
  }

  /** Pods and Services are planned again when what they read of the node is not what it was. */
  #nodeChanged(name: string, before: ResolvedNode | undefined, after: ResolvedNode | undefined): void {
    if (before === after) return;
    const { stores, enqueue, hosts } = this.#options;
    for (const owner of hosts.set(name, after && hostViewOf(after))) enqueue(owner);
    if (before && after && samePlaceOfPods(before, after)) return;
    for (const pod of stores.Pod.by("node", name)) enqueue(ownerOf(pod));
  }
}

const stillCutOff =
  "a NetworkPolicy selects this pod, and Weft does not plan policies yet: its port stays closed";
