// The garbage collector. What an object owns is deleted after the object or before it, or is released, as the deletion
// asked. It works on a queue after the write that woke it, so a client never waits for it.

import type { Cluster } from "./cluster.ts";
import type { Kind } from "./kinds/kind.ts";
import { type KubeObject, type OwnerReference, withMetadata } from "./objects.ts";
import type { Change, Entry } from "./store/shelf.ts";
import { ownerFinalizers, remove } from "./verbs/delete.ts";
import { write } from "./verbs/update.ts";

const background = {
  graceSeconds: undefined,
  propagation: "Background",
  uid: "",
  resourceVersion: "",
  dryRun: false,
} as const;
const plainWrite = { dryRun: false, unknownFields: "Ignore", warn: () => {} } as const;

interface Dependent {
  readonly kind: Kind;
  readonly key: string;
}

const ownersOf = (object: KubeObject | undefined): readonly OwnerReference[] =>
  object?.metadata.ownerReferences ?? [];

const holds = (object: KubeObject, finalizer: string): boolean =>
  object.metadata.finalizers?.includes(finalizer) ?? false;

/** Runs until disposed. */
export class GarbageCollector implements Disposable {
  readonly #cluster: Cluster;
  /** owner's uid -> `plural.group key` -> the owned object */
  readonly #dependents = new Map<string, Map<string, Dependent>>();
  readonly #queue: (() => void)[] = [];
  readonly #unsubscribe: () => void;
  #timer: NodeJS.Immediate | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#unsubscribe = cluster.store.subscribe((change) => this.#notice(change));
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    clearImmediate(this.#timer);
  }

  #notice(change: Change): void {
    const { kind, entry, type } = change;
    this.#index(change);
    if (type === "DELETED") this.#later(() => this.#collectDependents(entry.object.metadata.uid));
    else if (entry.object.metadata.deletionTimestamp !== undefined)
      this.#later(() => this.#releaseOwner(kind, entry.key));
    if (type === "ADDED" && ownersOf(entry.object).length > 0)
      this.#later(() => this.#collect({ kind, key: entry.key }));
    for (const owner of type === "DELETED" ? ownersOf(entry.object) : []) {
      const ownerKind = this.#cluster.kinds.named(owner.apiVersion, owner.kind);
      const key = `${ownerKind?.namespaced ? entry.object.metadata.namespace : ""}/${owner.name}`;
      if (ownerKind) this.#later(() => this.#releaseOwner(ownerKind, key));
    }
  }

  #index({ kind, entry, before, type }: Change): void {
    const id = `${kind.plural}.${kind.group} ${entry.key}`;
    for (const owner of ownersOf(before?.object)) {
      const owned = this.#dependents.get(owner.uid);
      owned?.delete(id);
      if (owned?.size === 0) this.#dependents.delete(owner.uid);
    }
    for (const owner of type === "DELETED" ? [] : ownersOf(entry.object)) {
      const owned = this.#dependents.get(owner.uid) ?? new Map<string, Dependent>();
      this.#dependents.set(owner.uid, owned.set(id, { kind, key: entry.key }));
    }
  }

  #later(work: () => void): void {
    this.#queue.push(work);
    this.#timer ??= setImmediate(() => {
      this.#timer = undefined;
      for (const next of this.#queue.splice(0)) next();
    });
  }

  #owned(uid: string): readonly Dependent[] {
    return [...(this.#dependents.get(uid)?.values() ?? [])];
  }

  #collectDependents(uid: string): void {
    for (const dependent of this.#owned(uid)) this.#collect(dependent);
  }

  /** Deletes an object none of whose owners exist any more. */
  #collect({ kind, key }: Dependent): void {
    const entry = this.#cluster.store.shelf(kind).get(key);
    if (!entry || entry.object.metadata.deletionTimestamp !== undefined) return;
    if (!ownersOf(entry.object).some((owner) => this.#exists(owner, entry.object)))
      remove(this.#cluster, kind, entry, background);
  }

  #exists(owner: OwnerReference, dependent: KubeObject): boolean {
    const kind = this.#cluster.kinds.named(owner.apiVersion, owner.kind);
    if (!kind) return true;
    const namespace = kind.namespaced ? (dependent.metadata.namespace ?? "") : "";
    return this.#cluster.store.get(kind, namespace, owner.name)?.object.metadata.uid === owner.uid;
  }

  /** Does what a departing owner's finalizer asks for, and removes the finalizer when that is done. */
  #releaseOwner(kind: Kind, key: string): void {
    const entry = this.#cluster.store.shelf(kind).get(key);
    if (entry?.object.metadata.deletionTimestamp === undefined) return;
    const { uid } = entry.object.metadata;
    if (holds(entry.object, ownerFinalizers.orphan)) {
      for (const dependent of this.#owned(uid)) this.#disown(dependent, uid);
      this.#withoutFinalizer(kind, entry, ownerFinalizers.orphan);
    } else if (holds(entry.object, ownerFinalizers.foreground)) {
      const owned = this.#owned(uid);
      if (owned.length === 0) this.#withoutFinalizer(kind, entry, ownerFinalizers.foreground);
      for (const dependent of owned) {
        const one = this.#cluster.store.shelf(dependent.kind).get(dependent.key);
        if (one && one.object.metadata.deletionTimestamp === undefined)
          remove(this.#cluster, dependent.kind, one, background);
      }
    }
  }

  #disown({ kind, key }: Dependent, uid: string): void {
    const entry = this.#cluster.store.shelf(kind).get(key);
    if (!entry) return;
    const ownerReferences = ownersOf(entry.object).filter((owner) => owner.uid !== uid);
    write(this.#cluster, kind, entry, withMetadata(entry.object, { ownerReferences }), plainWrite);
  }

  #withoutFinalizer(kind: Kind, entry: Entry, finalizer: string): void {
    const finalizers = entry.object.metadata.finalizers?.filter((one) => one !== finalizer) ?? [];
    write(this.#cluster, kind, entry, withMetadata(entry.object, { finalizers }), plainWrite);
  }
}
