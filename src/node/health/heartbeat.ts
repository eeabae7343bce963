// Renews the agent's Lease, so that the controller that leads notices an agent that is gone.

import { setTimeout as pause } from "node:timers/promises";
import { type Beat, renewAgentLease } from "../../kube/agentLease.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Log } from "../../kube/clock.ts";
import { KubeError } from "../../kube/error.ts";
import type { Node } from "../../kube/objects.ts";

export interface HeartbeatOptions extends Pick<Beat, "namespace" | "cluster"> {
  readonly client: Pick<KubeClient, "patch" | "create">;
  /** This node's object; undefined while there is none. */
  readonly node: () => Node | undefined;
  /** How often it is renewed; missing three in a row counts as death. */
  readonly everyMs: number;
  readonly log: Log;
}

const beatsPerLease = 3;
/** While there is no Node yet. */
const lookMs = 1_000;

/** Renews until `signal` is aborted. */
export async function keepHeartbeat(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { client, node, everyMs, namespace, cluster, log } = options;
  const durationMs = everyMs * beatsPerLease;
  let isFailing = false;
  while (!signal.aborted) {
    const now = node();
    if (now) {
      try {
        const beat = { namespace, cluster, durationMs, wallMs: Date.now() };
        await renewAgentLease(client, now, beat, { signal, timeoutMs: everyMs });
        isFailing = false;
      } catch (error) {
        if (!isFailing && !signal.aborted) log("warn", problemOf(error), { error });
        isFailing = true;
      }
    }
    // A tenth of the time at random, so that agents that started together drift apart.
    const waitMs = now ? everyMs * (0.95 + Math.random() / 10) : lookMs;
    await pause(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

const problemOf = (error: unknown): string =>
  error instanceof KubeError && error.status === 403
    ? "may not write this agent's Lease, so nobody will notice if the agent dies; the identity system:node:NAME never may (NodeRestriction): give agents a service account, as the Helm chart does, and run weft check cluster --rights-of agent"
    : "cannot renew this agent's Lease; the controller will take the agent for dead";
