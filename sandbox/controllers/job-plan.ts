// What a Job needs next. Pure: takes the Job and its pods; returns pods to create and delete, and the conditions. The
// rules are the real controller's, with shorter waits between a failure and the next try.

import type { Kept } from "../client/kinds.ts";
import type { Condition, Job, Pod } from "../client/objects.ts";
import { going } from "./context.ts";
import { hasEnded, isReady } from "./owned-pods.ts";

export const indexAnnotation = "batch.kubernetes.io/job-completion-index";
const retry = { firstMs: 1_000, mostMs: 60_000 } as const;

export interface JobPlan {
  /** The pods to create; for an indexed Job, with their indexes. */
  readonly create: readonly (number | undefined)[];
  readonly delete: readonly Kept<Pod>[];
  /** How the Job ended, when it has. */
  readonly end: Pick<Condition, "type" | "reason" | "message"> | undefined;
  /** After how many milliseconds to look again. */
  readonly againMs: number | undefined;
  readonly counts: Readonly<Record<"active" | "ready" | "succeeded" | "failed", number>>;
  readonly completedIndexes: string | undefined;
}

export function jobPlan({ raw }: Kept<Job>, own: readonly Kept<Pod>[], nowMs: number): JobPlan {
  const { spec, status } = raw;
  const { parallelism = 1, completions, backoffLimit = 6, activeDeadlineSeconds } = spec;
  const active = own.filter((pod) => !going(pod) && !hasEnded(pod.raw));
  const ended = (phase: "Succeeded" | "Failed") => own.filter((pod) => pod.raw.status?.phase === phase);
  const indexed = spec.completionMode === "Indexed";
  const done = new Set(ended("Succeeded").map(indexOf));
  const succeeded = indexed ? done.size : ended("Succeeded").length;
  const failed = ended("Failed").length;
  const restarts = active
    .flatMap((pod) => pod.raw.status?.containerStatuses ?? [])
    .reduce((sum, one) => sum + one.restartCount, 0);
  const counts = { active: active.length, ready: active.filter(isReady).length, succeeded, failed };
  const completedIndexes = indexed ? rangesOf([...done]) : undefined;
  const plan = { create: [], delete: [], end: undefined, againMs: undefined, counts, completedIndexes };

  const over = (reason: string, message: string): JobPlan => ({
    ...plan,
    delete: active,
    counts: { ...counts, active: 0, ready: 0, failed: failed + active.length },
    end: { type: "Failed", reason, message },
  });
  if (failed + restarts > backoffLimit)
    return over("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  const leftMs =
    activeDeadlineSeconds === undefined || status?.startTime === undefined
      ? undefined
      : Date.parse(status.startTime) + activeDeadlineSeconds * 1000 - nowMs;
  if (leftMs !== undefined && leftMs <= 0)
    return over("DeadlineExceeded", "Job was active longer than specified deadline");
  if (completions === undefined ? succeeded > 0 && active.length === 0 : succeeded >= completions)
    return {
      ...plan,
      delete: active,
      end: {
        type: "Complete",
        reason: "CompletionsReached",
        message: "Reached expected number of succeeded pods",
      },
    };
  if (spec.suspend === true) return { ...plan, delete: active };
  const open =
    completions === undefined ? (succeeded > 0 ? active.length : parallelism) : completions - succeeded;
  const wanted = Math.min(parallelism, open);
  if (wanted <= active.length) return { ...plan, delete: active.slice(wanted), againMs: leftMs };
  const waitMs = failed === 0 ? 0 : backOffMs(failed) - (nowMs - lastEndMs(ended("Failed")));
  if (waitMs > 0) return { ...plan, againMs: Math.min(waitMs, leftMs ?? waitMs) };
  const missing = wanted - active.length;
  const busy = new Set([...done, ...active.map(indexOf)]);
  const free = Array.from({ length: completions ?? 0 }, (_, index) => index).filter((one) => !busy.has(one));
  const create = indexed ? free.slice(0, missing) : Array.from({ length: missing }, () => undefined);
  return { ...plan, create, againMs: leftMs };
}

const backOffMs = (failures: number): number => Math.min(retry.firstMs * 2 ** (failures - 1), retry.mostMs);

const lastEndMs = (pods: readonly Kept<Pod>[]): number =>
  Math.max(
    ...pods
      .flatMap(({ raw }) => raw.status?.containerStatuses ?? [])
      .map(({ state }) => Date.parse(state.terminated?.finishedAt ?? "") || 0),
    0,
  );

const indexOf = ({ raw }: Kept<Pod>): number => Number(raw.metadata.annotations?.[indexAnnotation] ?? -1);

/** `0-2,5`, the form of status.completedIndexes. */
function rangesOf(indexes: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const index of indexes.toSorted((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else ranges.push([index, index]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}
