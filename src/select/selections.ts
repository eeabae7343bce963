// The members of selections, kept up to date as pods and namespaces change. A change is accepted at once and worked in
// by a job of small steps. Single pods come first, before a namespace's labels or a new selection are applied to all
// pods of a namespace, so one pod never waits for thousands.

import type { Namespace, Pod } from "../kube/objects.ts";
import type { Change } from "../kube/store.ts";
import type { Owner } from "../model/owner.ts";
import type { Place } from "../model/place.ts";
import { Candidates, podKey } from "./candidates.ts";
import type { MemberSource, Membership, MembershipListener } from "./memberSource.ts";
import { Memberships } from "./memberships.ts";
import { NamespaceTable } from "./namespaceTable.ts";
import { Pending } from "./pending.ts";
import type { NamespaceEntry, Selected } from "./scope.ts";
import { allNamespaces, type Labels, type Selection } from "./selection.ts";

/** Changes are reported as soon as there are this many, because the listeners' work is part of one step. */
const newsLimit = 1_000;

export interface SelectionsOptions {
  /** Where a pod is, as far as that is decided. Called whenever the pod changes. */
  readonly placesOf: (pod: Pod) => readonly Place[];
  /** What selectors see as its labels; its own without this. Called whenever the pod changes. */
  readonly labelsOf?: (pod: Pod) => Labels;
  /** Runs a job to its end and lets others run in between, like a Slicer. */
  readonly run: (job: Iterator<void, void>) => Promise<void>;
  /** Called when a listener or the job throws. */
  readonly onError: (error: unknown) => void;
}

export class Selections implements MemberSource {
  readonly #options: SelectionsOptions;
  readonly #namespaces = new NamespaceTable();
  readonly #candidates: Candidates;
  /** selection key -> selection */
  readonly #selected = new Map<string, Selected>();
  readonly #uses = new Map<Owner, ReadonlySet<Selected>>();
  readonly #listeners = new Set<MembershipListener>();
  readonly #memberships = new Memberships();

  /** name -> the labels reported last, not worked in yet */
  readonly #waitingNamespaces = new Map<string, Labels | undefined>();
  readonly #waitingPods = new Map<string, Pod | undefined>();
  readonly #pending = new Map<NamespaceEntry, Pending>();
  /** The namespace whose candidates the job is going through. */
  #visited: { readonly namespace: NamespaceEntry; readonly pending: Pending } | undefined;
  /** Selections that nobody uses any more. */
  readonly #abandoned = new Set<Selected>();
  /** Set while the job runs. */
  #running: PromiseWithResolvers<void> | undefined;

  constructor(options: SelectionsOptions) {
    this.#options = options;
    this.#candidates = new Candidates(
      options.placesOf,
      options.labelsOf ?? (({ labels }) => labels),
      this.#namespaces,
    );
  }

  /** For `Store.subscribe`. A change from a pod to the same pod makes its places be looked up again. */
  takePods(changes: readonly Change<Pod>[]): void {
    for (const { old, new: pod } of changes) {
      const named = pod ?? old;
      if (named) this.#waitingPods.set(podKey(named.namespace, named.name), pod);
    }
    this.#wake();
  }

  /** For `Store.subscribe`. */
  takeNamespaces(changes: readonly Change<Namespace>[]): void {
    for (const { old, new: namespace } of changes) {
      const named = namespace ?? old;
      if (named) this.#waitingNamespaces.set(named.name, namespace?.labels);
    }
    this.#wake();
  }

  use(user: Owner, selections: readonly Selection[]): void {
    const before = this.#uses.get(user);
    const after = new Set(selections.map((selection) => this.#selectedOf(selection)));
    for (const selected of after) {
      if (selected.users.size === 0) this.#begin(selected);
      selected.users.add(user);
    }
    for (const selected of before?.difference(after) ?? []) {
      selected.users.delete(user);
      if (selected.users.size > 0) continue;
      selected.scope.delete(selected);
      this.#abandoned.add(selected);
    }
    if (after.size > 0) this.#uses.set(user, after);
    else this.#uses.delete(user);
    this.#wake();
  }

  members(selection: Selection): ReadonlySet<Place> {
    const selected = this.#selected.get(selection.key);
    if (selected && selected.users.size > 0) return selected.members;
    throw new RangeError(
      `nobody uses the selection "${selection.key}"; only used ones have members, see use()`,
    );
  }

  membershipsOf(namespace: string, pod: string): readonly Membership[] {
    const key = podKey(namespace, pod);
    if (this.#waitingNamespaces.has(namespace)) this.#workInNamespace(namespace);
    if (this.#waitingPods.has(key)) this.#workInPod(key);
    return [...this.#candidates.of(key)].flatMap((candidate) => {
      const pending = this.#pending.get(candidate.namespace);
      if (pending) this.#memberships.catchUp(candidate, pending);
      if (this.#visited?.namespace === candidate.namespace)
        this.#memberships.catchUp(candidate, this.#visited.pending);
      return [...candidate.memberships].flatMap(({ selection, users }) =>
        users.size > 0 ? [{ place: candidate.place, selection }] : [],
      );
    });
  }

  subscribe(listener: MembershipListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get isSettled(): boolean {
    return this.#running === undefined;
  }

  async settled(): Promise<void> {
    await this.#running?.promise;
  }

  #wake(): void {
    if (this.#running) return;
    this.#running = Promise.withResolvers();
    this.#options.run(this.#job()).catch(this.#options.onError);
  }

  *#job(): Generator<void, void> {
    try {
      for (;;) {
        yield* this.#workIn();
        const [pending] = this.#pending;
        const [abandoned] = this.#abandoned;
        if (pending) yield* this.#visit(...pending);
        else if (abandoned) yield* this.#clear(abandoned);
        else if (!this.#tell() && !this.#isAnythingWaiting) return;
      }
    } finally {
      this.#running?.resolve();
      this.#running = undefined;
    }
  }

  /** Works in everything that waits and what comes meanwhile, and reports the changes. */
  *#workIn(): Generator<void, void> {
    if (!this.#isAnythingWaiting) return;
    while (this.#isAnythingWaiting) {
      for (const name of this.#waitingNamespaces.keys()) {
        this.#workInNamespace(name);
        yield;
      }
      for (const key of this.#waitingPods.keys()) {
        this.#workInPod(key);
        this.#tellIfMuch();
        yield;
      }
    }
    this.#tell();
  }

  get #isAnythingWaiting(): boolean {
    return this.#waitingNamespaces.size + this.#waitingPods.size > 0;
  }

  #workInNamespace(name: string): void {
    const labels = this.#waitingNamespaces.get(name);
    this.#waitingNamespaces.delete(name);
    const namespace = this.#namespaces.entry(name);
    for (const scope of this.#namespaces.relabel(namespace, labels))
      this.#pendingOf(namespace).scopes.add(scope);
    this.#namespaces.tidy(namespace);
  }

  #workInPod(key: string): void {
    const pod = this.#waitingPods.get(key);
    this.#waitingPods.delete(key);
    const { gone, relabelled, fresh } = this.#candidates.put(key, pod);
    for (const candidate of gone) this.#memberships.expel(candidate);
    for (const { candidate, old } of relabelled) this.#memberships.relabel(candidate, old);
    for (const candidate of fresh) this.#memberships.look(candidate, candidate.namespace.scopes);
  }

  *#visit(namespace: NamespaceEntry, pending: Pending): Generator<void, void> {
    this.#pending.delete(namespace);
    this.#visited = { namespace, pending };
    for (const candidate of namespace.candidates) {
      this.#memberships.catchUp(candidate, pending);
      this.#tellIfMuch();
      yield;
      yield* this.#workIn();
    }
    this.#visited = undefined;
  }

  /** Removes all members of a selection that nobody uses, unless somebody has started to use it again. */
  *#clear(selected: Selected): Generator<void, void> {
    this.#abandoned.delete(selected);
    for (const place of selected.members) {
      const candidate = this.#candidates.at(place);
      if (candidate) this.#memberships.judge(candidate, selected);
      this.#tellIfMuch();
      yield;
      yield* this.#workIn();
    }
    if (selected.users.size > 0 || this.#abandoned.has(selected)) return;
    this.#selected.delete(selected.selection.key);
    selected.scope.selections.delete(selected);
    if (selected.scope.selections.size === 0) this.#namespaces.drop(selected.scope);
  }

  #selectedOf(selection: Selection): Selected {
    const known = this.#selected.get(selection.key);
    if (known) return known;
    const scope = this.#namespaces.scopeOf(
      selection.kind === "labels" ? selection.namespaces : allNamespaces,
    );
    const selected = { selection, scope, users: new Set<Owner>(), members: new Set<Place>() };
    scope.selections.add(selected);
    this.#selected.set(selection.key, selected);
    return selected;
  }

  #begin(selected: Selected): void {
    selected.scope.add(selected);
    for (const namespace of this.#namespaces.covered(selected.scope))
      this.#pendingOf(namespace).add(selected);
  }

  #pendingOf(namespace: NamespaceEntry): Pending {
    const known = this.#pending.get(namespace);
    if (known) return known;
    const pending = new Pending();
    this.#pending.set(namespace, pending);
    return pending;
  }

  #tellIfMuch(): void {
    if (this.#memberships.newsSize >= newsLimit) this.#tell();
  }

  /** Returns whether there was anything to report. */
  #tell(): boolean {
    const changes = this.#memberships.takeNews();
    if (changes.length === 0) return false;
    for (const listener of this.#listeners) {
      try {
        listener(changes);
      } catch (error) {
        this.#options.onError(error);
      }
    }
    return true;
  }
}
