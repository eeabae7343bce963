// One choice's way into an annotation. A choice is durable when an object carries it, or when a write of it was
// acknowledged and the watch has not yet shown the object that came of it. Somebody who takes the annotation out or
// changes it finds it written again.

import type { AnnotationValues } from "../kube/annotations.ts";
import type { ObjectMeta } from "../kube/objects.ts";

/** What the writer needs. `uid` is a precondition: an object re-created under the name must not get this choice. */
export interface AnnotationPatch {
  readonly kind: "Node" | "Pod";
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly annotations: AnnotationValues;
  /** Another precondition: nobody has written the object since. */
  readonly ifVersion?: string;
}

/** Resolves when the API server has acknowledged the write, rejects when that is not known. */
export type Patch = (patch: AnnotationPatch) => Promise<void>;

type Annotated = ObjectMeta & { readonly kind: "Node" | "Pod" };

export class Durable {
  readonly #patch: Patch;
  readonly #annotations: AnnotationValues;
  readonly #onlyOverSeen: boolean;
  #writing: Promise<void> | undefined;
  /** The resource version that the last acknowledged write started from. */
  #writtenOver: string | undefined;

  /** With `onlyOverSeen`, a write fails when somebody has written the object since it was seen. */
  constructor(patch: Patch, annotations: AnnotationValues, onlyOverSeen = false) {
    this.#patch = patch;
    this.#annotations = annotations;
    this.#onlyOverSeen = onlyOverSeen;
  }

  /**
   * Undefined when durable, given the object as last seen; else the write under way, to be awaited. `stated` prints what
   * the object's annotations mean, for those that say the same in another spelling.
   */
  write(object: Annotated, stated: () => AnnotationValues): Promise<void> | undefined {
    if (this.#writing) return this.#writing;
    if (this.#isIn(object.annotations) || this.#isIn(stated())) {
      this.#writtenOver = undefined;
      return undefined;
    }
    if (this.#writtenOver === object.resourceVersion) return undefined;
    this.#writing = this.#send(object).finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  #isIn(values: AnnotationValues): boolean {
    return Object.entries(this.#annotations).every(([key, value]) => values[key] === value);
  }

  async #send({ kind, namespace, name, uid, resourceVersion }: Annotated): Promise<void> {
    const precondition = this.#onlyOverSeen ? { ifVersion: resourceVersion } : {};
    await this.#patch({ kind, namespace, name, uid, annotations: this.#annotations, ...precondition });
    this.#writtenOver = resourceVersion;
  }
}
