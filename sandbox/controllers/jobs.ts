// The Job controller: carries out what job-plan.ts says, and keeps the status up to date. Pods that have ended stay
// with the Job, because they are what it counts.

import { pathOf } from "../../src/kube/resource.ts";
import { type Kept, rawKinds, timeText } from "../client/kinds.ts";
import type { Condition, Job } from "../client/objects.ts";
import { stillThere } from "../client/still-there.ts";
import { atLeast, type Context, type Controller, going, keyOf, settled } from "./context.ts";
import { indexAnnotation, type JobPlan, jobPlan } from "./job-plan.ts";
import { createPod, deletePod, watchOwners } from "./owned-pods.ts";
import { setStatus } from "./workload-status.ts";

const owner = { apiVersion: "batch/v1", kind: "Job" };

export function jobController(context: Context): Controller {
  const { jobs, pods } = context.stores;
  let wake: (key: string) => void = () => undefined;
  const later = (job: Kept<Job>, ms: number): void =>
    void setTimeout(() => wake(keyOf(job)), Math.min(ms, 2 ** 31 - 1)).unref();
  return {
    name: "job",
    watch: (add) => {
      wake = add;
      watchOwners(context, jobs, owner, add);
    },
    sync: async (namespace, name) => {
      const job = jobs.get(namespace, name);
      if (!job || going(job)) return;
      if (endOf(job)) return forget(context, job, later);
      const plan = jobPlan(job, pods.by("owner", job.uid), Date.now());
      await writeStatus(context, job, plan);
      for (const pod of plan.delete) await deletePod(context, pod);
      for (const index of plan.create) await create(context, job, index);
      if (plan.againMs !== undefined) later(job, plan.againMs);
    },
  };
}

const endOf = ({ raw }: Kept<Job>): Condition | undefined =>
  raw.status?.conditions?.find(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );

/** Deletes a Job that has ended, once its time to live is over. */
async function forget(
  { client }: Context,
  job: Kept<Job>,
  later: (job: Kept<Job>, ms: number) => void,
): Promise<void> {
  const { ttlSecondsAfterFinished: ttl } = job.raw.spec;
  if (ttl === undefined) return;
  const leftMs = Date.parse(endOf(job)?.lastTransitionTime ?? "") + ttl * 1000 - Date.now();
  if (leftMs > 0) return later(job, leftMs);
  await stillThere(() => client.delete(pathOf(rawKinds.job, job.namespace, job.name), { uid: job.uid }));
}

function create(context: Context, job: Kept<Job>, index: number | undefined): Promise<void> {
  if (index === undefined) return createPod(context, owner, job, {});
  const { spec } = job.raw.spec.template;
  const variable = { name: "JOB_COMPLETION_INDEX", value: String(index) };
  return createPod(context, owner, job, {
    generateName: `${job.name}-${index}-`,
    labels: { [indexAnnotation]: String(index) },
    annotations: { [indexAnnotation]: String(index) },
    spec: {
      hostname: `${job.name}-${index}`,
      containers: spec.containers.map((one) => ({ ...one, env: [...(one.env ?? []), variable] })),
    },
  });
}

async function writeStatus(context: Context, job: Kept<Job>, plan: JobPlan): Promise<void> {
  const now = timeText(new Date());
  const { startTime, conditions = [] } = job.raw.status ?? {};
  const { end } = plan;
  const suspended = job.raw.spec.suspend === true;
  const condition = (type: string, reason = "", message = ""): Condition => ({
    type,
    status: "True",
    reason,
    message,
    lastTransitionTime: conditions.find((one) => one.type === type)?.lastTransitionTime ?? now,
  });
  const met = end?.type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget";
  const all = [
    ...(suspended ? [condition("Suspended", "JobSuspended", "Job suspended")] : []),
    ...(end ? [condition(met, end.reason, end.message), condition(end.type, end.reason, end.message)] : []),
  ];
  const status = {
    ...plan.counts,
    ...(plan.completedIndexes !== undefined && { completedIndexes: plan.completedIndexes }),
    ...(!suspended && { startTime: startTime ?? now }),
    ...(end?.type === "Complete" && { completionTime: now }),
    ...((all.length > 0 || conditions.length > 0) && { conditions: all }),
  };
  const version = await setStatus(context.client, rawKinds.job, job, status);
  if (version !== undefined) await settled(context.stores.jobs, job, atLeast(version));
}
