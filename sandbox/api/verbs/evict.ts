// POST of a policy/v1 Eviction, which `kubectl drain` sends: a deletion that a PodDisruptionBudget may refuse
// (k8s.io/kubernetes, pkg/registry/core/pod/storage/eviction.go). An exhausted budget answers 429: try again later.

import { labelSelectorOf, selects } from "../../../src/kube/labelSelector.ts";
import type { Cluster } from "../cluster.ts";
import { at, type JsonObject, listAt, numberAt, objectAt, textAt } from "../json.ts";
import { pods } from "../kinds/pod.ts";
import { podDisruptionBudgets as budgets } from "../kinds/poddisruptionbudget.ts";
import { type KubeObject, timeText } from "../objects.ts";
import { ApiError, badRequest, successStatus } from "../status.ts";
import type { Entry } from "../store/shelf.ts";
import { deleteOptionsOf, isLeaving, remove } from "./delete.ts";
import type { WriteOptions } from "./options.ts";
import { write } from "./update.ts";

export function evict(
  cluster: Cluster,
  entry: Entry,
  eviction: JsonObject,
  options: WriteOptions,
): JsonObject {
  const { name } = entry.object.metadata;
  const named = textAt(eviction, "metadata", "name") || name;
  if (named !== name)
    throw badRequest(`name in URL does not match name in Eviction object: ${named} is not ${name}`);
  const asked = deleteOptionsOf(objectAt(eviction, "deleteOptions"), new URLSearchParams());
  const deletion = { ...asked, dryRun: asked.dryRun || options.dryRun };
  if (!needsNoBudget(entry.object)) spend(cluster, entry.object, deletion.dryRun);
  remove(cluster, pods, entry, deletion);
  return { ...successStatus(pods, name, ""), details: undefined, code: 201 };
}

const needsNoBudget = (pod: KubeObject): boolean =>
  isLeaving(pod) || ["Succeeded", "Failed", "Pending"].includes(textAt(pod, "status", "phase"));

/** Charges the pod to its budget, or throws. */
function spend(cluster: Cluster, pod: KubeObject, dryRun: boolean): void {
  const { name, namespace = "", labels = {} } = pod.metadata;
  const own = cluster.store
    .shelf(budgets)
    .range(namespace)
    .filter(({ object }) => selectorMatches(object, labels));
  const [entry] = own;
  if (!entry) return;
  if (own.length > 1)
    throw new ApiError(
      500,
      "InternalError",
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    );
  const budget = entry.object;
  if (!isReady(pod) && mayIgnore(budget)) return;
  if ((numberAt(budget, "status", "observedGeneration") ?? 0) < (budget.metadata.generation ?? 0))
    throw usedUp(`The disruption budget ${budget.metadata.name} is still being processed by the server.`);
  const allowed = numberAt(budget, "status", "disruptionsAllowed") ?? 0;
  if (allowed <= 0)
    throw usedUp(
      `The disruption budget ${budget.metadata.name} needs ${numberAt(budget, "status", "desiredHealthy") ?? 0} healthy pods and has ${numberAt(budget, "status", "currentHealthy") ?? 0} currently`,
    );
  const status = {
    ...objectAt(budget, "status"),
    disruptionsAllowed: allowed - 1,
    disruptedPods: { ...objectAt(budget, "status", "disruptedPods"), [name]: timeText(cluster.clock()) },
  };
  write(cluster, budgets, entry, { ...budget, status }, { dryRun, unknownFields: "Ignore", warn: () => {} });
}

/** A missing selector matches no pod, an empty one matches all. */
function selectorMatches(budget: KubeObject, labels: Readonly<Record<string, string>>): boolean {
  const selector = at(budget, "spec", "selector");
  return selector !== undefined && selects(labelSelectorOf(selector), labels);
}

const isReady = (pod: KubeObject): boolean =>
  listAt(pod, "status", "conditions").some(
    (one) => textAt(one, "type") === "Ready" && textAt(one, "status") === "True",
  );

/** Whether a pod that is not ready may go, because enough others are healthy. */
function mayIgnore(budget: KubeObject): boolean {
  if (textAt(budget, "spec", "unhealthyPodEvictionPolicy") === "AlwaysAllow") return true;
  const desired = numberAt(budget, "status", "desiredHealthy") ?? 0;
  return desired > 0 && (numberAt(budget, "status", "currentHealthy") ?? 0) >= desired;
}

const usedUp = (why: string): ApiError =>
  new ApiError(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: "DisruptionBudget", message: why }],
  });
