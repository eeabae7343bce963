// Static pods, which a kubelet runs from files. The API server only has a mirror of one, with a UID of its own. To the
// container runtime the kubelet names the static pod itself, and its UID is the hash of its file.

import { annotations } from "../model/names.ts";
import type { Pod } from "./objects.ts";

type Identified = Pick<Pod, "uid" | "annotations">;

/** Whether a container runtime that says `uid` means `pod`. */
export const isMeant = (pod: Identified, uid: string): boolean => pod.uid === uid || staticUid(pod) === uid;

/**
 * Both annotations of a mirror have the hash. The first one counts, because the API server lets nobody change it
 * (ValidatePodUpdate in pkg/apis/core/validation).
 */
const staticUid = (pod: Identified): string | undefined =>
  pod.annotations[annotations.mirrorOf] ?? pod.annotations[annotations.configHash];
