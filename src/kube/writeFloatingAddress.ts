// Writes about FloatingAddresses: their statuses, and those that are made for pods.

import type { KubeClient, RequestOptions } from "./client.ts";
import { isAlreadyExists, isNotFound } from "./error.ts";
import {
  type FloatingAddress,
  type FloatingWish,
  type GivenAddress,
  readyCondition,
} from "./floatingAddress.ts";
import { kinds } from "./kinds.ts";
import type { Pod } from "./objects.ts";
import { apiVersionOf, pathOf } from "./resource.ts";

/** Replaces the whole status: the controller is the only one that writes it. */
export async function setGiven(
  client: Pick<KubeClient, "patch">,
  { namespace, name, uid, given: before }: FloatingAddress,
  {
    ips,
    podName,
    podUid,
    nodeName,
    ready,
  }: Omit<GivenAddress, "ready"> & {
    readonly ready: Omit<NonNullable<GivenAddress["ready"]>, "since">;
  },
  at: Date,
  options: RequestOptions = {},
): Promise<void> {
  const isTransition = before.ready?.status !== ready.status;
  const lastTransitionTime = isTransition ? at.toISOString().replace(/\.\d+/, "") : before.ready?.since;
  const status = {
    addresses: ips,
    // A merge patch removes what is null.
    podName: podName ?? null,
    podUID: podUid ?? null,
    nodeName: nodeName ?? null,
    conditions: [{ type: readyCondition, ...ready, lastTransitionTime }],
  };
  const path = pathOf(kinds.FloatingAddress, namespace, name, "status");
  await client.patch(path, { metadata: { uid }, status }, options);
}

/** One for the pod, which it belongs to. Does nothing if one of that name exists. */
export async function makeFor(
  client: Pick<KubeClient, "create">,
  { namespace, name, uid }: Pod,
  { pool, wanted }: FloatingWish,
  options: RequestOptions = {},
): Promise<void> {
  const owner = { apiVersion: "v1", kind: "Pod", name, uid, controller: true };
  const object = {
    apiVersion: apiVersionOf(kinds.FloatingAddress),
    kind: "FloatingAddress",
    metadata: { namespace, name, ownerReferences: [owner] },
    spec: {
      podName: name,
      ...(pool !== undefined && { addressPool: pool }),
      ...(wanted.length > 0 && { addresses: wanted }),
    },
  };
  try {
    await client.create(pathOf(kinds.FloatingAddress, namespace), object, options);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/** Does nothing if it is gone. */
export async function unmake(
  client: Pick<KubeClient, "delete">,
  { namespace, name, uid }: FloatingAddress,
  options: RequestOptions = {},
): Promise<void> {
  try {
    await client.delete(pathOf(kinds.FloatingAddress, namespace, name), { ...options, uid });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
