// Who leads, according to the controllers' Lease. Its times come from the clock of its holder, which may be wrong,
// and so may the clock here. When the two are far apart, only a renewal shows whether the holder is alive, so we wait
// for one.

import { troublesIn } from "../../controller/health.ts";
import { policySummaryIn } from "../../controller/policySummary.ts";
import type { KubeClient, RequestOptions } from "../../kube/client.ts";
import { type Clock, systemClock } from "../../kube/clock.ts";
import { list, record, text } from "../../kube/json.ts";
import { type LeaseRecord, leaseRecordOf } from "../../kube/lease-record.ts";
import { leases, pathOf } from "../../kube/resource.ts";
import { modeIn } from "../../kube/unservedInMode.ts";
import { annotations } from "../../model/names.ts";
import type { Leader } from "./snapshot.ts";

export interface LeaderQuestion {
  readonly client: KubeClient;
  readonly lease: { readonly namespace: string; readonly name: string };
  readonly timeoutMs: number;
  readonly clock?: Clock;
}

/** A holder renews every few seconds. */
const farMs = 30_000;
/** Time for two renewals. */
const listenMs = 5_000;
const betweenMs = 500;

/**
 * Undefined when nobody holds the Lease. Rejects when the API server does not answer the first time, or not once
 * while we wait for a renewal.
 */
export async function leaderOf(question: LeaderQuestion, signal: AbortSignal): Promise<Leader | undefined> {
  const { timeoutMs, clock = systemClock } = question;
  const first = await heldLease(question, { signal });
  if (!first) return undefined;
  if (Math.abs(clock.wall() - Date.parse(first.renewTime)) <= farMs) return leaderIn(first, false);
  const deadline = clock.now() + listenMs;
  let isAnswered = false;
  let failure: unknown;
  while (clock.now() < deadline) {
    await new Promise<void>((resolve) => void clock.after(betweenMs, resolve));
    try {
      const lease = await heldLease(question, { timeoutMs });
      if (lease?.renewTime !== first.renewTime) return lease && leaderIn(lease, false);
      isAnswered = true;
    } catch (error) {
      // No news: the next request may be answered, and what was read from Kubernetes before is still good.
      failure = error;
    }
  }
  // Without an answer, it is the API server that is silent.
  if (!isAnswered) throw failure;
  return leaderIn(first, true);
}

async function heldLease(
  { client, lease: { namespace, name } }: LeaderQuestion,
  options: RequestOptions,
): Promise<LeaseRecord | undefined> {
  // A list, because there a missing object is not an error.
  const query = { fieldSelector: `metadata.name=${name}` };
  const [object] = list((await client.list(pathOf(leases, namespace), { query, ...options })).items);
  const lease = leaseRecordOf(object);
  return lease.holder === "" ? undefined : lease;
}

function leaderIn({ holder, object }: LeaseRecord, silent: boolean): Leader {
  const said = record(record(object.metadata).annotations);
  return {
    holder,
    silent,
    heldDeletions: text(said[annotations.heldDeletions]),
    troubles: troublesIn(text(said[annotations.troubles])),
    policies: policySummaryIn(text(said[annotations.policies])),
    mode: modeIn(text(said[annotations.mode])),
  };
}
