// The probes of one run of a container: first only the startup probe, then liveness and readiness side by side.

import { type ProbeTarget, probeLoop } from "./probes.ts";

export interface HealthReports {
  /** The startup probe has succeeded. Not called without one, because then a container counts as started at once. */
  readonly started: () => void;
  /** The readiness probe's result. May repeat itself. */
  readonly ready: (good: boolean) => void;
  /** The container must be restarted. Called at most once. */
  readonly failed: (probe: "Startup" | "Liveness") => void;
}

/**
 * @param ended aborts when the process has ended.
 * @param stop aborts when the pod should end. Readiness is still probed until the end, so that a terminating pod can be
 * seen to serve; the other probes stop.
 */
export async function watchHealth(
  target: ProbeTarget,
  ended: AbortSignal,
  stop: AbortSignal,
  reports: HealthReports,
): Promise<void> {
  const { startupProbe, livenessProbe, readinessProbe } = target.container;
  const living = AbortSignal.any([ended, stop]);
  if (startupProbe && !(await firstAnswer(startupProbe, target, living))) {
    if (!living.aborted) reports.failed("Startup");
    return;
  }
  if (startupProbe) reports.started();
  const loops: Promise<void>[] = [];
  if (readinessProbe) loops.push(probeLoop(readinessProbe, target, ended, reports.ready));
  if (livenessProbe) {
    const failed = new AbortController();
    const report = (good: boolean) => {
      if (good) return;
      failed.abort();
      reports.failed("Liveness");
    };
    loops.push(probeLoop(livenessProbe, target, AbortSignal.any([living, failed.signal]), report));
  }
  await Promise.all(loops);
}

/** The first result that passes its threshold; false when the signal aborts first. */
async function firstAnswer(
  probe: Parameters<typeof probeLoop>[0],
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<boolean> {
  const done = new AbortController();
  let answer = false;
  await probeLoop(probe, target, AbortSignal.any([signal, done.signal]), (good) => {
    answer = good;
    done.abort();
  });
  return answer;
}
