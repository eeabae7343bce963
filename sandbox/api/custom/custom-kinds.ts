// Keeps the served kinds equal to the CustomResourceDefinitions. A kind appears when its definition is written. When
// the definition is deleted, its objects go first, then the definition, then the kind.

import type { Cluster } from "../cluster.ts";
import { type JsonObject, listAt, objectAt, textAt } from "../json.ts";
import {
  cleanupFinalizer,
  customResourceDefinitions as definitions,
} from "../kinds/customresourcedefinition.ts";
import type { Kind } from "../kinds/kind.ts";
import { type KubeObject, timeText, withMetadata } from "../objects.ts";
import type { Change, Entry } from "../store/shelf.ts";
import { isLeaving, remove } from "../verbs/delete.ts";
import { write } from "../verbs/update.ts";
import { customKind } from "./kind.ts";

const plainWrite = { dryRun: false, unknownFields: "Ignore", warn: () => {} } as const;
const background = {
  graceSeconds: undefined,
  propagation: "Background",
  uid: "",
  resourceVersion: "",
  dryRun: false,
} as const;

/** Works until disposed. */
export class CustomKinds implements Disposable {
  readonly #cluster: Cluster;
  readonly #unsubscribe: () => void;
  readonly #due = new Set<string>();
  #timer: NodeJS.Immediate | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#unsubscribe = cluster.store.subscribe((change) => this.#notice(change));
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
    clearImmediate(this.#timer);
  }

  #notice({ type, kind, entry }: Change): void {
    const { name } = entry.object.metadata;
    if (kind !== definitions) return this.#later(`${kind.plural}.${kind.group}`);
    if (type === "DELETED") this.#withdraw(name);
    else this.#serve(entry.object);
    this.#later(name);
  }

  #serve(definition: KubeObject): void {
    const { name } = definition.metadata;
    const kind = customKind(definition);
    if (!kind) return this.#withdraw(name);
    if (!this.#cluster.kinds.custom(name)) this.#cluster.store.addShelf(kind);
    this.#cluster.kinds.serve(name, kind);
  }

  #withdraw(name: string): void {
    const kind = this.#cluster.kinds.custom(name);
    if (kind) this.#cluster.store.removeShelf(kind);
    this.#cluster.kinds.withdraw(name);
  }

  /** Runs after the write that caused it, so that the client does not wait. */
  #later(name: string): void {
    this.#due.add(name);
    this.#timer ??= setImmediate(() => {
      this.#timer = undefined;
      const names = [...this.#due];
      this.#due.clear();
      for (const one of names) this.#settle(one);
    });
  }

  #settle(name: string): void {
    const entry = this.#cluster.store.get(definitions, "", name);
    if (!entry) return;
    if (isLeaving(entry.object)) this.#empty(entry, this.#cluster.kinds.custom(name));
    else if (!isEstablished(entry.object)) this.#establish(entry);
  }

  #empty(entry: Entry, kind: Kind | undefined): void {
    const { store } = this.#cluster;
    const objects = kind ? store.shelf(kind).range("") : [];
    if (kind)
      for (const one of objects) if (!isLeaving(one.object)) remove(this.#cluster, kind, one, background);
    if (kind && store.shelf(kind).size > 0) return;
    const finalizers = (entry.object.metadata.finalizers ?? []).filter((one) => one !== cleanupFinalizer);
    write(this.#cluster, definitions, entry, withMetadata(entry.object, { finalizers }), plainWrite);
  }

  #establish(entry: Entry): void {
    const { object } = entry;
    const lastTransitionTime = timeText(this.#cluster.clock());
    const condition = (type: string, reason: string, message: string): JsonObject => ({
      type,
      status: "True",
      reason,
      message,
      lastTransitionTime,
    });
    const storage = listAt(object, "spec", "versions").find((one) => objectAt(one)["storage"] === true);
    const status = {
      conditions: [
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
      ],
      acceptedNames: objectAt(object, "spec", "names"),
      storedVersions: [textAt(storage, "name")],
    };
    write(this.#cluster, definitions, entry, { ...object, status }, plainWrite);
  }
}

const isEstablished = (definition: KubeObject): boolean =>
  listAt(definition, "status", "conditions").some(
    (one) => textAt(one, "type") === "Established" && textAt(one, "status") === "True",
  );
