// Writes that decide/, controller/ and the agent share. Each carries the uid of the object it was decided for: if
// another object has that name by now, the API server answers with a conflict instead of changing the wrong one.

import type { Announcer } from "../model/outerAddresses.ts";
import type { KubeClient, RequestOptions } from "./client.ts";
import { kinds, type ObjectRef } from "./kinds.ts";
import { type ConditionText, degradedCondition } from "./objects.ts";
import { announcementCondition, announcersText, grantCondition } from "./outerAddresses.ts";
import { pathOf } from "./resource.ts";

/**
 * Sets annotations; null removes one. Annotations not named stay. With `ifVersion` the write is refused, as a
 * conflict, if somebody has written the object since that version.
 */
export async function annotate(
  client: Pick<KubeClient, "patch">,
  object: ObjectRef,
  annotations: Readonly<Record<string, string | null>>,
  { ifVersion, ...options }: RequestOptions & { readonly ifVersion?: string | undefined } = {},
): Promise<void> {
  const { kind, namespace, name, uid } = object;
  const metadata = { uid, annotations, ...(ifVersion !== undefined && { resourceVersion: ifVersion }) };
  await client.patch(pathOf(kinds[kind], namespace, name), { metadata }, options);
}

export interface Condition extends ConditionText {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
}

/**
 * Sets the condition of this type in the object's status and leaves the others alone: a strategic merge keys
 * conditions by type. `at` becomes the transition time, so call this only when the condition changes.
 */
export async function setCondition(
  client: KubeClient,
  object: ObjectRef,
  condition: Condition,
  at: Date,
  options: RequestOptions = {},
): Promise<void> {
  const path = pathOf(kinds[object.kind], object.namespace, object.name, "status");
  // metav1.Time has whole seconds.
  const lastTransitionTime = at.toISOString().replace(/\.\d+/, "");
  const conditions = [{ ...condition, lastTransitionTime }];
  const patch = { metadata: { uid: object.uid }, status: { conditions } };
  await client.patch(path, patch, { ...options, type: "strategic" });
}

/**
 * Sets the addresses of a Service of type LoadBalancer. Refused, as a conflict, if somebody has written the Service since that
 * version.
 */
export async function setIngress(
  client: KubeClient,
  { kind, namespace, name, uid, resourceVersion }: ObjectRef & { readonly resourceVersion: string },
  ips: readonly string[],
  options: RequestOptions = {},
): Promise<void> {
  const ingress = ips.map((ip) => ({ ip, ipMode: "VIP" }));
  const patch = { metadata: { uid, resourceVersion }, status: { loadBalancer: { ingress } } };
  await client.patch(pathOf(kinds[kind], namespace, name, "status"), patch, options);
}

/** Grants a Service these of its external IPs, and no others. */
export const setGrant = (
  client: KubeClient,
  service: ObjectRef,
  ips: readonly string[],
  options: RequestOptions = {},
): Promise<void> =>
  setCondition(
    client,
    service,
    {
      type: grantCondition,
      status: ips.length > 0 ? "True" : "False",
      reason: ips.length > 0 ? "Served" : "NoneServed",
      message: ips.join(", "),
    },
    new Date(),
    options,
  );

/** Says on a Service which node announces which of its addresses. */
export const setAnnouncers = (
  client: KubeClient,
  service: ObjectRef,
  announcers: readonly Announcer[],
  options: RequestOptions = {},
): Promise<void> =>
  setCondition(
    client,
    service,
    {
      type: announcementCondition,
      status: announcers.length > 0 ? "True" : "False",
      reason: announcers.length > 0 ? "Answered" : "NobodyAnswers",
      message: announcersText(announcers),
    },
    new Date(),
    options,
  );

/**
 * Sets the Node's condition NetworkUnavailable: with `problem` no pods are scheduled there, without they are. Pods that
 * run already are left alone.
 */
export const declareNetwork: DeclareOnNode = (...about) =>
  declareOnNode(
    "NetworkUnavailable",
    { reason: "WeftIsUp", message: "The Weft agent attaches pods on this node" },
    ...about,
  );

/**
 * Sets the Node's condition NetworkDegraded, which keeps no pods away: with `problem`, pods there cannot reach
 * everything they could before.
 */
export const declareDegraded: DeclareOnNode = (...about) =>
  declareOnNode(
    degradedCondition,
    { reason: "NothingLost", message: "The node has its addresses and routes" },
    ...about,
  );

type DeclareOnNode = (
  client: KubeClient,
  node: ObjectRef,
  problem: ConditionText | undefined,
  options?: RequestOptions,
) => Promise<void>;

/** `well`: what the condition says without a problem. */
const declareOnNode = (
  type: string,
  well: ConditionText,
  ...[client, node, problem, options = {}]: Parameters<DeclareOnNode>
): Promise<void> =>
  setCondition(
    client,
    node,
    { type, status: problem ? "True" : "False", ...(problem ?? well) },
    new Date(),
    options,
  );
