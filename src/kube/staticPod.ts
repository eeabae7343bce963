// Static pods, which a kubelet runs from files. The API server only has a mirror of one, with a UID of its own. To the
// container runtime the kubelet names the static pod itself, and its UID is the hash of its file.

import { annotations } from "../model/names.ts";
import type { Pod } from "./objects.ts";

type Identified = Pick<Pod, "uid" | "annotations">;

/** Whether a container runtime that says `uid` means `pod`. */
export const isMeant = (pod: Identified, uid: string): boolean => pod.uid === uid || staticUid(pod) === uid;

/**
 * What tells the pod apart from others of its name for as long as it runs. Who deletes a mirror gets another one, with another
 * UID, while the static pod runs on; its hash stays. It does not look like a UID, so that no pod can pass for an earlier one.
 */
export function lastingUid({ uid, annotations: stated }: Identified): string {
  const hash = stated[annotations.mirrorOf];
  return hash !== undefined && kubeletsHash.test(hash) ? `static-${hash}` : uid;
}

export const isStatic = (pod: Identified): boolean => lastingUid(pod) !== pod.uid;

/** A hash in hexadecimal digits, or a UID that the file states. */
const kubeletsHash = /^[0-9a-f-]{1,64}$/;

/**
 * Both annotations of a mirror have the hash. The first one counts, because the API server lets nobody change it
 * (ValidatePodUpdate in pkg/apis/core/validation).
 */
const staticUid = (pod: Identified): string | undefined =>
  pod.annotations[annotations.mirrorOf] ?? pod.annotations[annotations.configHash];
