// Keeps the groups of pods that policies name up to date with the stores, and queues the owners that a change of a
// group concerns. While there is no policy, nothing is kept.

import { Slicer } from "../apply/slicer.ts";
import type { Places } from "../decide/places.ts";
import { podKind } from "../kinds/pod.ts";
import { groupsNamedBy, ownerOfAnyPolicy, policiesUsing, policyKindOf } from "../kinds/policies.ts";
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
import { Groups, type NamedGroups, type Role } from "../select/groups.ts";
import type { MembershipChange } from "../select/memberSource.ts";
import { idOf } from "../select/podGroup.ts";
import { labelsWithProfiles, refusedPods } from "../select/profileStanding.ts";
import { Selections } from "../select/selections.ts";
import { Confirming, type ConfirmingOptions } from "./confirming.ts";
import { Standings } from "./standings.ts";

export interface GroupingOptions extends ConfirmingOptions {
  readonly stores: Pick<Stores, PolicyKind | "Namespace" | "Node" | "Pod">;
  readonly places: Pick<Places, "node" | "pod">;
  readonly names: Names;
  /** Where pods have their addresses. */
  readonly podRanges: readonly Cidr[];
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

export class Grouping {
  readonly groups: Groups;
  readonly #options: GroupingOptions;
  readonly standings: Standings;
  readonly confirming: Confirming;
  readonly #sources: Readonly<Record<Role, Selections>>;
  /** The places of pods as last given to the groups. */
  readonly #told = new WeakMap<Pod, PodPlace>();
  #isFed = false;
  /** The pod that is about to be planned: its plan includes what is found at once, so it need not be queued again. */
  #placing: Pod | undefined;

  constructor(options: GroupingOptions) {
    this.#options = options;
    this.#sources = { subject: this.#source(), peer: this.#source() };
    this.groups = new Groups(this.#sources);
    this.standings = new Standings({
      stores: options.stores,
      isUnconfirmed: (owner) => this.groups.unconfirmed.has(owner),
      onClaim: () => this.#useRefused(),
      onChange: (pods) => this.#takeAnew(pods),
    });
    const { unconfirmed } = this.groups;
    this.confirming = new Confirming(options, unconfirmed, (what) => this.standings.confirmed(what));
  }

  /** Follows the stores, which must be complete, until `signal` aborts. */
  async begin(signal: AbortSignal): Promise<void> {
    const { stores, withRows, now } = this.#options;
    const slicer = new Slicer(now);
    for (const owner of withRows()) {
      if (slicer.due) await slicer.pause();
      const { kind, namespace, name } = parseOwner(owner);
      const policyKind = policyKindOf(kind);
      if (policyKind && !stores[policyKind].get(namespace, name)) this.groups.unconfirmed.add(owner);
      // The pod may not be listed either.
      if (kind === podKind.name) this.confirming.needNamespace(namespace);
    }
    for (const { namespace } of stores.Pod.values()) {
      if (slicer.due) await slicer.pause();
      this.confirming.needNamespace(namespace);
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
        this.confirming.lookForNamespaces();
      }),
      stores.Pod.subscribe((changes) => {
        if (this.#isFed) for (const source of this.#all()) source.takePods(changes);
        this.confirming.lookForNamespaces();
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

  /** The pod's place has been decided, and its plan comes next. */
  placed(pod: Pod): void {
    if (!this.#isFed || this.#told.get(pod) === this.#options.places.pod(pod)) return;
    this.#placing = pod;
    for (const source of this.#all()) source.takePods([{ old: pod, new: pod }]);
    this.#placing = undefined;
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
    this.#using(ownerOfAnyPolicy(policy), groupsNamedBy(policy, stores, podRanges));
  }

  #using(owner: Owner, named: NamedGroups | undefined): void {
    const { enqueue, stores } = this.#options;
    const { groups, places } = this.groups.use(owner, named);
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
