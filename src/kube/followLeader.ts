// A process that doubts its API server goes by the leading controller. The leader is told when a person approves the server, and
// sees whether the server lists everything that has rows. While it has no doubt itself, it writes on the controllers' Lease
// what it knows of the server.

import { annotations } from "../model/names.ts";
import { parseRemembered, type Remembered } from "../model/remembered.ts";
import type { ApiServer } from "./apiServer.ts";
import type { KubeClient } from "./client.ts";
import { type Clock, type Log, pause } from "./clock.ts";
import { record, text } from "./json.ts";
import { leaseRecordOf } from "./lease-record.ts";
import { leases, pathOf } from "./resource.ts";

export interface FollowOptions {
  readonly client: Pick<KubeClient, "get">;
  readonly server: ApiServer;
  /** Of the controllers. */
  readonly lease: { readonly namespace: string; readonly name: string };
  readonly clock: Clock;
  readonly log: Log;
}

interface Word {
  /** Changes as long as somebody leads. */
  readonly renewTime: string;
  /** Undefined while the leader is in doubt. */
  readonly known: Remembered | undefined;
}

/** A leader renews its Lease twice in this time. */
const lookMs = 5_000;

/** Ends this process' doubts when the leader's are over, until `signal` aborts. */
export async function followLeader(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { server, clock, log } = options;
  /** What the Lease said when the doubt began. That may be part of the older state, or the last word of a dead leader. */
  let before: Word | undefined;
  let hasFailed = false;
  while (!signal.aborted) {
    if (server.doubt === undefined) before = undefined;
    else
      try {
        const word = await wordOf(options, signal);
        before ??= word;
        if (word.known && word.renewTime !== before.renewTime) {
          await server.lookAround();
          if (server.showsWhat(word.known)) {
            log(
              "info",
              "the leader believes the API server in its present state, so this process does too",
              {},
            );
            server.believe();
          }
        }
        hasFailed = false;
      } catch (error) {
        if (!hasFailed)
          log(
            "warn",
            "cannot read on the controllers' Lease whether the leader believes the API server; trying again",
            { error },
          );
        hasFailed = true;
      }
    await pause(clock, lookMs, signal);
  }
}

async function wordOf({ client, lease }: FollowOptions, signal: AbortSignal): Promise<Word> {
  const object = await client.get(pathOf(leases, lease.namespace, lease.name), { signal });
  const said = record(record(record(object).metadata).annotations);
  return {
    renewTime: leaseRecordOf(object).renewTime,
    known: parseRemembered(text(said[annotations.apiServer])),
  };
}
