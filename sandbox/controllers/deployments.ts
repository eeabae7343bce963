// The Deployment controller: one ReplicaSet for each template that the Deployment has had, scaled step by step by
// rollout.ts, with the revisions and the status that `kubectl rollout` reads.

import { pathOf } from "../../src/kube/resource.ts";
import { type Kept, rawKinds, rawOf, timeText } from "../client/kinds.ts";
import type { Condition, Deployment, ReplicaSet } from "../client/objects.ts";
import { stillThere } from "../client/still-there.ts";
import { atLeast, type Context, type Controller, going, keyOf, settled } from "./context.ts";
import { rolloutStep, templateHash } from "./rollout.ts";
import { setStatus } from "./workload-status.ts";

const hashLabel = "pod-template-hash";
const revisionKey = "deployment.kubernetes.io/revision";
const defaultHistory = 10;

export function deploymentController(context: Context): Controller {
  const { deployments, replicaSets } = context.stores;
  return {
    name: "deployment",
    watch: (add) => {
      deployments.subscribe((changes) => {
        for (const { new: deployment } of changes) if (deployment) add(keyOf(deployment));
      });
      replicaSets.subscribe((changes) => {
        for (const replicaSet of changes.map((change) => change.new ?? change.old)) {
          const owner = replicaSet?.raw.metadata.ownerReferences?.find(({ kind }) => kind === "Deployment");
          if (replicaSet && owner) add(`${replicaSet.namespace}/${owner.name}`);
        }
      });
    },
    sync: async (namespace, name) => {
      const deployment = deployments.get(namespace, name);
      if (!deployment || going(deployment)) return;
      const own = replicaSets.by("owner", deployment.uid).filter((one) => !going(one));
      const hash = templateHash(deployment.raw.spec.template);
      const known = own.find(({ labels }) => labels[hashLabel] === hash);
      if (!known && deployment.raw.spec.paused === true) return;
      const current = known ?? (await createReplicaSet(context, deployment, hash, nextRevision(own)));
      if (!current) return;
      const old = own
        .filter(({ uid }) => uid !== current.uid)
        .toSorted((a, b) => revisionOf(a) - revisionOf(b));
      await keepRevision(context, deployment, current, old);
      if (deployment.raw.spec.paused !== true) await roll(context, deployment, current, old);
      await writeStatus(context, deployment, current, old);
      await forget(context, deployment, old);
    },
  };
}

const revisionOf = ({ raw }: { readonly raw: Deployment | ReplicaSet }): number =>
  Number(raw.metadata.annotations?.[revisionKey] ?? 0);

const nextRevision = (sets: readonly Kept<ReplicaSet>[]): number => Math.max(0, ...sets.map(revisionOf)) + 1;

async function createReplicaSet(
  { client, stores }: Context,
  { raw, namespace, name, uid }: Kept<Deployment>,
  hash: string,
  revision: number,
): Promise<Kept<ReplicaSet> | undefined> {
  const { selector, template } = raw.spec;
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const owner = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  const made = rawOf(
    rawKinds.replicaSet,
    await client.create(pathOf(rawKinds.replicaSet, namespace), {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name: `${name}-${hash}`,
        labels,
        annotations: { [revisionKey]: String(revision) },
        ownerReferences: [owner],
      },
      spec: {
        replicas: 0, // the rollout's first step says how many
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    }),
  );
  const place = { namespace, name: made.metadata.name };
  await settled(stores.replicaSets, place, (kept) => kept?.uid === made.metadata.uid);
  return stores.replicaSets.get(place.namespace, place.name);
}

/** A template that comes back (`rollout undo`) gets a new number. The Deployment shows its current number. */
async function keepRevision(
  { client }: Context,
  deployment: Kept<Deployment>,
  current: Kept<ReplicaSet>,
  old: readonly Kept<ReplicaSet>[],
): Promise<void> {
  const revision = Math.max(revisionOf(current), nextRevision(old));
  const patch = { metadata: { annotations: { [revisionKey]: String(revision) } } };
  const { namespace } = deployment;
  if (revisionOf(current) !== revision) {
    await client.patch(pathOf(rawKinds.replicaSet, namespace, current.name), patch);
  }
  if (revisionOf(deployment) !== revision) {
    await client.patch(pathOf(rawKinds.deployment, namespace, deployment.name), patch);
  }
}

async function roll(
  context: Context,
  deployment: Kept<Deployment>,
  current: Kept<ReplicaSet>,
  old: readonly Kept<ReplicaSet>[],
): Promise<void> {
  const view = ({ raw, uid }: Kept<ReplicaSet>) => ({
    replicas: raw.spec.replicas ?? 1,
    pods: context.stores.pods.by("owner", uid).length,
    available: raw.status?.availableReplicas ?? 0,
  });
  const step = rolloutStep(deployment.raw, view(current), old.map(view));
  await scale(context, current, step.current);
  for (const [index, replicaSet] of old.entries()) await scale(context, replicaSet, step.old[index] ?? 0);
}

async function scale(
  { client, stores }: Context,
  { raw, ...set }: Kept<ReplicaSet>,
  replicas: number,
): Promise<void> {
  if ((raw.spec.replicas ?? 1) === replicas) return;
  const patch = { metadata: { uid: set.uid }, spec: { replicas } };
  const path = pathOf(rawKinds.replicaSet, set.namespace, set.name);
  const made = rawOf(rawKinds.replicaSet, await client.patch(path, patch));
  await settled(stores.replicaSets, set, atLeast(made.metadata.resourceVersion));
}

async function writeStatus(
  context: Context,
  deployment: Kept<Deployment>,
  current: Kept<ReplicaSet>,
  old: readonly Kept<ReplicaSet>[],
): Promise<void> {
  const wanted = deployment.raw.spec.replicas ?? 1;
  const all = [current, ...old].map(({ raw }) => raw.status ?? {});
  const total = (field: "replicas" | "readyReplicas" | "availableReplicas") =>
    all.reduce((sum, status) => sum + (status[field] ?? 0), 0);
  const updated = current.raw.status?.replicas ?? 0;
  const complete =
    updated === wanted && total("replicas") === wanted && total("availableReplicas") === wanted;
  const status = {
    observedGeneration: deployment.raw.metadata.generation ?? 0,
    replicas: total("replicas"),
    updatedReplicas: updated,
    readyReplicas: total("readyReplicas"),
    availableReplicas: total("availableReplicas"),
    unavailableReplicas: Math.max(0, Math.max(wanted, total("replicas")) - total("availableReplicas")),
    conditions: [
      condition(deployment.raw, "Available", total("availableReplicas") >= wanted, [
        "MinimumReplicasAvailable",
        "MinimumReplicasUnavailable",
      ]),
      condition(deployment.raw, "Progressing", true, [
        complete ? "NewReplicaSetAvailable" : "ReplicaSetUpdated",
        "",
      ]),
    ],
  };
  const version = await setStatus(context.client, rawKinds.deployment, deployment, status);
  if (version !== undefined) await settled(context.stores.deployments, deployment, atLeast(version));
}

function condition(
  { status }: Deployment,
  type: string,
  good: boolean,
  [goodReason, badReason]: readonly [string, string],
): Condition {
  const last = (status?.conditions ?? []).find((one) => one.type === type);
  const next = { type, status: good ? "True" : "False", reason: good ? goodReason : badReason } as const;
  const since = last?.status === next.status ? last.lastTransitionTime : undefined;
  return { ...next, lastTransitionTime: since ?? timeText(new Date()) };
}

/** Deletes the oldest empty ReplicaSets beyond revisionHistoryLimit. */
async function forget(
  { client }: Context,
  deployment: Kept<Deployment>,
  old: readonly Kept<ReplicaSet>[],
): Promise<void> {
  const empty = old.filter(({ raw }) => raw.spec.replicas === 0 && (raw.status?.replicas ?? 0) === 0);
  const limit = deployment.raw.spec.revisionHistoryLimit ?? defaultHistory;
  for (const { namespace, name, uid } of empty.slice(0, Math.max(0, empty.length - limit))) {
    await stillThere(() => client.delete(pathOf(rawKinds.replicaSet, namespace, name), { uid }));
  }
}
