// Writes one choice into an annotation. The choice is durable once the object carries it, or once a write was
// acknowledged and the watch has not yet shown a newer object. If somebody removes or changes the annotation, it is
// written again.

import type { AnnotationValues } from "../kube/annotations.ts";
import type { ObjectMeta } from "../kube/objects.ts";

/** What the writer needs. `uid` is a precondition: an object re-created under the same name must not get this choice. */
export interface AnnotationPatch {
  readonly kind: "Node" | "Pod";
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly annotations: AnnotationValues;
  /** Another precondition: the object has not been written since this version. */
  readonly ifVersion?: string;
}

/** Resolves when the API server has acknowledged the write. Rejects when the outcome is unknown or the write failed. */
export type Patch = (patch: AnnotationPatch) => Promise<void>;

type Annotated = ObjectMeta & { readonly kind: "Node" | "Pod" };

export class Durable {
  readonly #patch: Patch;
  readonly #onlyOverSeen: boolean;
  #writing: Promise<void> | undefined;
  /** The resource version that the last acknowledged write was based on. */
  #writtenOver: string | undefined;

  /** With `onlyOverSeen`, a write fails when somebody has written the object since it was last seen. */
  constructor(patch: Patch, onlyOverSeen = false) {
    this.#patch = patch;
    this.#onlyOverSeen = onlyOverSeen;
  }

  /**
   * `annotations` print the choice, always the same one. Returns undefined when it is durable, judging by the object as
   * last seen; otherwise the write in progress, to be awaited. `stated` prints what the object's annotations mean, so
   * that the same choice in another spelling counts.
   */
  write(
    object: Annotated,
    annotations: AnnotationValues,
    stated: () => AnnotationValues,
  ): Promise<void> | undefined {
    if (this.#writing) return this.#writing;
    if (isIn(annotations, object.annotations) || isIn(annotations, stated())) {
      this.#writtenOver = undefined;
      return undefined;
    }
    if (this.#writtenOver === object.resourceVersion) return undefined;
    this.#writing = this.#send(object, annotations).finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #send(
    { kind, namespace, name, uid, resourceVersion }: Annotated,
    values: AnnotationValues,
  ): Promise<void> {
    const precondition = this.#onlyOverSeen ? { ifVersion: resourceVersion } : {};
    await this.#patch({ kind, namespace, name, uid, annotations: values, ...precondition });
    this.#writtenOver = resourceVersion;
  }
}

const isIn = (wanted: AnnotationValues, values: AnnotationValues): boolean =>
  Object.entries(wanted).every(([key, value]) => values[key] === value);
