// Keeps the groups of pods that policies name up to date with the stores, and queues the owners that a change of a
// group concerns. While there is no policy, nothing is kept.

import { Slicer } from "../apply/slicer.ts";
import type { Places } from "../decide/places.ts";
import { blockKind, peerKind, subjectKind } from "../kinds/groups.ts";
import { podKind } from "../kinds/pod.ts";
import { ownerOfAnyPolicy, policiesUsing, policyKindOf, spokenBy } from "../kinds/policies.ts";
import type { AnyPolicy, ClusterPolicy } from "../kube/clusterPolicy.ts";
import type { Pod } from "../kube/objects.ts";
import { clusterPoliciesOf, clusterPolicyKinds, type PolicyKind, policyKinds } from "../kube/policies.ts";
import type { Change } from "../kube/store.ts";
import type { Stores } from "../kube/stores.ts";
import type { Cidr } from "../model/ip.ts";
import type { Names } from "../model/names.ts";
import { type Owner, ownerOf, parseOwner } from "../model/owner.ts";
import { defaultNetwork, type Place, placeOf } from "../model/place.ts";
import type { PodPlace } from "../model/places.ts";
import { offsetIn } from "../model/site.ts";
import { sidesOf } from "../observe/concerns.ts";
import { mayPassFor } from "../select/clusterRules.ts";
import { Groups, type Role, type Spoken } from "../select/groups.ts";
import type { MembershipChange } from "../select/memberSource.ts";
import { idOf } from "../select/podGroup.ts";
import { labelsWithProfiles, refusedPods } from "../select/profileStanding.ts";
import { Selections } from "../select/selections.ts";
import { Standings } from "./standings.ts";

export interface GroupingOptions {
  readonly stores: Pick<Stores, PolicyKind | "Namespace" | "Node" | "Pod">;
  readonly places: Pick<Places, "node" | "pod">;
  readonly names: Names;
  /** Where pods have their addresses. */
  readonly podRanges: readonly Cidr[];
  readonly enqueue: (owner: Owner) => void;
  /** Resolves when all that is queued is planned. */
  readonly planned: () => Promise<void>;
  /** The owners that have rows. */
  readonly withRows: () => Iterable<Owner>;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

export class Grouping {
  readonly groups: Groups;
  readonly #options: GroupingOptions;
  readonly standings: Standings;
  readonly #sources: Readonly<Record<Role, Selections>>;
  /** The places of pods as last given to the groups. */
  readonly #told = new WeakMap<Pod, PodPlace>();
  /** Namespaces of pods that are not listed themselves. */
  readonly #missing = new Set<string>();
  /** The owner whose news was the last that the groups were waiting for. */
  #ending: string | undefined;
  #isFed = false;
  /** The pod that is about to be planned: its plan includes what is found at once, so it need not be queued again. */
  #placing: Pod | undefined;

  constructor(options: GroupingOptions) {
    this.#options = options;
    this.#sources = { subject: this.#source(), peer: this.#source() };
    this.groups = new Groups(this.#sources);
    this.standings = new Standings({
      stores: options.stores,
      isAwaited: (owner) => this.groups.isAwaited(owner),
      onClaim: () => this.#useRefused(),
      onChange: (pods) => this.#takeAnew(pods),
    });
  }

  /** Follows the stores, which must be complete, until `signal` aborts. */
  async begin(signal: AbortSignal): Promise<void> {
    const { stores, withRows, now } = this.#options;
    const slicer = new Slicer(now);
    for (const owner of withRows()) {
      if (slicer.due) await slicer.pause();
      const { kind, namespace, name } = parseOwner(owner);
      const policyKind = policyKindOf(kind);
      if (policyKind && !stores[policyKind].get(namespace, name)) this.groups.await(owner);
      // The pod may not be listed either.
      if (kind === podKind.name) this.awaitNamespace(namespace);
    }
    for (const { namespace } of stores.Pod.values()) {
      if (slicer.due) await slicer.pause();
      this.awaitNamespace(namespace);
    }
    const stops: (() => void)[] = [
      stores.NetworkPolicy.subscribe((changes) => this.#changedPolicies(changes)),
      ...clusterPolicyKinds.map((kind) =>
        stores[kind].subscribe((changes: readonly Change<ClusterPolicy>[]) => {
          this.#changedPolicies(changes);
          this.#changedOrder(changes);
        }),
      ),
      stores.Namespace.subscribe((changes) => {
        if (this.#isFed) for (const source of this.#all()) source.takeNamespaces(changes);
        this.#lookForNamespaces();
      }),
      stores.Pod.subscribe((changes) => {
        if (this.#isFed) for (const source of this.#all()) source.takePods(changes);
        this.#lookForNamespaces();
      }),
    ];
    signal.addEventListener("abort", () => {
      for (const stop of stops) stop();
    });
    stops.push(this.standings.begin());
    for (const policy of this.#policies()) {
      if (slicer.due) await slicer.pause();
      this.#use(policy);
    }
  }

  /**
   * The owner has been planned, and its object exists or is known to be gone. If it was the last one that was awaited,
   * it is certain which pods are in no group as soon as everything has been planned with it.
   */
  heardOf(what: string): void {
    if (!this.groups.isLast(what)) {
      this.groups.heardOf(what);
      this.standings.heardOf(what);
      return;
    }
    this.groups.asked(what);
    if (this.#ending === what) return;
    this.#ending = what;
    this.#enqueueMembers();
    void this.#end(what);
  }

  async #end(what: string): Promise<void> {
    const { planned, withRows, enqueue } = this.#options;
    await planned();
    this.#ending = undefined;
    if (!this.groups.heardOf(what)) return;
    this.standings.heardOf(what);
    this.#enqueueMembers();
    for (const owner of withRows()) if (isGroup(owner)) enqueue(owner);
  }

  #enqueueMembers(): void {
    const { enqueue, stores } = this.#options;
    for (const { namespace, name } of stores.Pod.values()) enqueue(ownerOf("pod", name, namespace));
    for (const { name } of stores.Node.values()) enqueue(ownerOf("node", name));
  }

  /** The pod's place has been decided, and its plan comes next. */
  placed(pod: Pod): void {
    if (!this.#isFed || this.#told.get(pod) === this.#options.places.pod(pod)) return;
    this.#placing = pod;
    for (const source of this.#all()) source.takePods([{ old: pod, new: pod }]);
    this.#placing = undefined;
  }

  /**
   * A pod always has a namespace, so if the namespace is unknown, a list has left it out, and with it labels that
   * decide about groups.
   */
  awaitNamespace(name: string): void {
    if (this.#missing.has(name) || this.#options.stores.Namespace.get("", name)) return;
    this.#missing.add(name);
    this.groups.await(ownerOf("namespace", name));
  }

  #lookForNamespaces(): void {
    if (this.#missing.size === 0) return;
    const { stores, withRows } = this.#options;
    const withPorts = [...withRows()].map(parseOwner).filter(({ kind }) => kind === podKind.name);
    const populated = new Set([...stores.Pod.values(), ...withPorts].map(({ namespace }) => namespace));
    for (const name of this.#missing)
      if (stores.Namespace.get("", name) || !populated.has(name)) {
        this.#missing.delete(name);
        this.heardOf(ownerOf("namespace", name));
      }
  }

  *#policies(): Iterable<AnyPolicy> {
    const { stores } = this.#options;
    for (const kind of policyKinds) yield* stores[kind].values();
  }

  #changedPolicies(changes: readonly Change<AnyPolicy>[]): void {
    for (const { old, new: policy } of changes)
      if (policy) this.#use(policy);
      else if (old) this.#using(ownerOfAnyPolicy(old), undefined);
  }

  /** A Pass in one policy changes which pods later policies name. */
  #changedOrder(changes: readonly Change<ClusterPolicy>[]): void {
    const sides = changes.flatMap(sidesOf);
    for (const policy of clusterPoliciesOf(this.#options.stores))
      if (sides.some((side) => mayPassFor(side, policy))) this.#use(policy);
  }

  #use(policy: AnyPolicy): void {
    const { stores, podRanges } = this.#options;
    this.#feed();
    this.#using(ownerOfAnyPolicy(policy), spokenBy(policy, stores, podRanges));
  }

  #using(owner: Owner, spoken: Spoken | undefined): void {
    const { enqueue, stores } = this.#options;
    const { groups, places } = this.groups.use(owner, spoken);
    for (const { namespace, pod } of places) enqueue(ownerOf("pod", pod, namespace));
    for (const { role, id } of groups) {
      enqueue(ownerOf(role, id));
      if (role === "block") for (const node of stores.Node.values()) enqueue(ownerOf("node", node.name));
    }
  }

  /** No policy names the pods that are closed because of a profile. */
  #useRefused(): void {
    if (this.groups.isUsed("subject", idOf(refusedPods))) return;
    this.#feed();
    this.#using(ownerOf("refusedprofiles"), { subject: [refusedPods], peer: [], nodes: [] });
  }

  /** Selectors may see other labels of these pods. */
  #takeAnew(pods: readonly Pod[]): void {
    if (!this.#isFed) return;
    const changes = pods.map((pod) => ({ old: pod, new: pod }));
    for (const source of this.#all()) source.takePods(changes);
    // For pods that ask for profiles, an Event may be due too.
    for (const { namespace, name, profiles } of pods)
      if (profiles) this.#options.enqueue(ownerOf("pod", name, namespace));
  }

  #feed(): void {
    if (this.#isFed) return;
    this.#isFed = true;
    const { Namespace: namespaces, Pod: pods } = this.#options.stores;
    const all = [...namespaces.values()].map((one) => ({ old: undefined, new: one }));
    const allPods = [...pods.values()].map((one) => ({ old: undefined, new: one }));
    for (const source of this.#all()) {
      source.takeNamespaces(all);
      source.takePods(allPods);
    }
  }

  #all(): readonly Selections[] {
    return [this.#sources.subject, this.#sources.peer];
  }

  #source(): Selections {
    const { now, onError } = this.#options;
    const source = new Selections({
      placesOf: (pod) => this.#placesOf(pod),
      labelsOf: (pod) => labelsWithProfiles(pod.labels, this.standings.of(pod)),
      run: (job) => new Slicer(now).run(job),
      onError,
    });
    source.subscribe((changes) => this.#changed(changes));
    return source;
  }

  #placesOf(pod: Pod): readonly Place[] {
    const { places, names } = this.#options;
    const place = places.pod(pod);
    const node = places.node(pod.nodeName);
    if (!place || !node) return [];
    this.#told.set(pod, place);
    const [first] = place.network.addresses;
    const offset = first && offsetIn(node, first.ip);
    const port =
      place.ownPort || offset === undefined
        ? names.podPort(pod.namespace, pod.name)
        : names.poolPort(node.name, offset);
    return [placeOf(pod, defaultNetwork, port, place.network)];
  }

  #changed(changes: readonly MembershipChange[]): void {
    const { stores, enqueue } = this.#options;
    for (const { added, removed } of changes)
      for (const { namespace, pod: name } of [...added, ...removed]) {
        const pod = stores.Pod.get(namespace, name);
        if (!pod || pod !== this.#placing) enqueue(ownerOf("pod", name, namespace));
        for (const policy of pod ? policiesUsing(pod, stores) : []) enqueue(ownerOfAnyPolicy(policy));
      }
  }
}

const isGroup = (owner: Owner): boolean => {
  const { kind } = parseOwner(owner);
  return [blockKind, peerKind, subjectKind].some(({ name }) => name === kind);
};
