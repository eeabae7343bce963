// Pods that ask for a floating address by annotation. A FloatingAddress with the pod's name is made for each, so that pools'
// rules, statuses and Events are the same for both. It is the pod's (ownerReferences), and goes with it.

import { isNotFound } from "../kube/error.ts";
import { type FloatingAddress, type FloatingWish, wishIn } from "../kube/floatingAddress.ts";
import type { ObjectRef } from "../kube/kinds.ts";
import type { Pod } from "../kube/objects.ts";
import { annotations } from "../model/names.ts";
import type { FloatingTell } from "./deciding.ts";
import { NotNow } from "./errors.ts";
import { wantsAddress } from "./places.ts";

export interface MakeFloating {
  /** Resolves also when one of that name exists. */
  readonly make: (pod: Pod, wish: FloatingWish) => Promise<void>;
  /** Resolves also when it is gone. */
  readonly unmake: (floating: FloatingAddress) => Promise<void>;
}

type Told = readonly [reason: string, message: string];

export class FloatingRequests {
  readonly #write: MakeFloating;
  readonly #tell: FloatingTell["notFloating"];
  /** UID of a pod -> what it has been told */
  readonly #told = new Map<string, string>();

  constructor(write: MakeFloating, tell: FloatingTell["notFloating"]) {
    this.#write = write;
    this.#tell = tell;
  }

  /** `floating` and `pod` have one name; each may be missing. */
  async follow(floating: FloatingAddress | undefined, pod: Pod | undefined): Promise<void> {
    const asked = pod && wantsAddress(pod) ? pod.annotations[annotations.floatingAddress] : undefined;
    const wish = asked === undefined ? undefined : wishIn(asked, pod?.annotations[annotations.addressPool]);
    const isToBeMade = !floating && pod !== undefined && wish !== undefined && wish.malformed === undefined;
    const missing = isToBeMade ? await this.#make(pod, wish) : undefined;
    this.#say(pod, problemOf(floating, pod, wish) ?? missing);
    if (missing) throw new NotNow(missing[1]);
    if (!floating) return;
    // Without the pod, the API server's garbage collector removes it: the pod may only not be listed.
    if (floating.madeFor === undefined || !pod) return;
    const isFor = pod.uid === floating.madeFor && wish !== undefined && wish.malformed === undefined;
    if (!isFor || !isSameWish(floating, wish)) await this.#write.unmake(floating);
  }

  /** Why it cannot be made. */
  async #make(pod: Pod, wish: FloatingWish): Promise<Told | undefined> {
    try {
      await this.#write.make(pod, wish);
      return undefined;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const message = `${annotations.floatingAddress}: the API server has no kind FloatingAddress (weft.io): an operator has to apply its definition, as an upgrade asks for`;
      return ["NotServed", message];
    }
  }

  #say(pod: (ObjectRef & Pod) | undefined, problem: Told | undefined): void {
    if (!pod) return;
    const text = problem?.[1];
    if (problem && this.#told.get(pod.uid) !== text) this.#tell(pod, ...problem);
    if (text === undefined) this.#told.delete(pod.uid);
    else this.#told.set(pod.uid, text);
  }
}

function problemOf(
  floating: FloatingAddress | undefined,
  pod: Pod | undefined,
  wish: ReturnType<typeof wishIn> | undefined,
): Told | undefined {
  const asked = pod?.annotations[annotations.floatingAddress];
  if (!pod || asked === undefined) return undefined;
  const key = annotations.floatingAddress;
  if (pod.hostNetwork)
    return [
      "NotServed",
      `${key}: a pod in its host's network has the node's addresses: remove the annotation`,
    ];
  if (wish?.malformed !== undefined) return ["Malformed", wish.malformed];
  if (wish && floating && floating.madeFor === undefined)
    return [
      "NotServed",
      `${key}: there is a FloatingAddress ${floating.name} that somebody else has made: remove it, or the annotation`,
    ];
  return undefined;
}

const isSameWish = (a: FloatingWish, b: FloatingWish): boolean =>
  a.pool === b.pool && a.wanted.join() === b.wanted.join();
