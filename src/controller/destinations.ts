// How a term writes to a northbound database: it takes the fence there, and an engine keeps the database equal to the
// facts about it.

import type { Applier } from "../apply/applier.ts";
import { Engine } from "../apply/engine.ts";
import type { EngineEvents } from "../apply/engineEvents.ts";
import { Fence } from "../apply/fence.ts";
import type { Generations } from "../apply/generations.ts";
import { Memory } from "../apply/memory.ts";
import type { PruneLimits } from "../apply/pruneGuard.ts";
import type { Desired } from "../desired/desired.ts";
import type { Clock, Log } from "../kube/clock.ts";
import type { Destination } from "../model/fact.ts";
import { type NorthboundTables, northbound } from "../ovn/northbound.gen.ts";
import type { Replica, Session } from "../ovsdb/index.ts";
import { keepBeating } from "./beat.ts";

/** A destination of facts, before anybody leads. */
export interface Served {
  readonly destination: Destination;
  /** The applier for one term and its desired facts. `holder` names the term. */
  begin(desired: Desired, holder: string): Begun;
}

export interface Begun {
  readonly applier: Applier;
  /** Resolves once only this term may write there. Waits for as long as the destination is away. */
  readonly take: (signal: AbortSignal) => Promise<void>;
  /** Shows that what carries the facts further is alive, until `signal` aborts. */
  readonly beat?: (signal: AbortSignal) => Promise<void>;
  /** What the next term has to know. */
  readonly memory: Pick<Memory, "read" | "write">;
}

export interface NorthboundOptions {
  readonly destination: Destination;
  readonly cluster: string;
  readonly session: Session;
  readonly replica: Replica<NorthboundTables>;
  readonly generations: ((fence: Fence) => Generations) | undefined;
  readonly events: EngineEvents;
  readonly prune: PruneLimits;
  readonly clock: Clock;
  readonly log: Log;
}

export const northboundDestination = (options: NorthboundOptions): Served => ({
  destination: options.destination,
  begin(desired, holder) {
    const { destination, cluster, session, replica, generations, clock, log, events, prune } = options;
    const fence = new Fence({ database: northbound, cluster, holder });
    const counting = generations?.(fence);
    const applier = new Engine({
      destination,
      cluster,
      database: northbound,
      desired,
      session,
      replica,
      fence,
      ...(counting && { generations: counting }),
      clock,
      log,
      limits: { prune },
      events,
    });
    return {
      applier,
      memory: new Memory({ database: northbound, cluster, session, replica, fence }),
      ...(counting && { beat: (signal: AbortSignal) => keepBeating(counting, clock, signal) }),
      take: async (signal) => {
        await session.connected(signal);
        await fence.take(session, replica, signal);
        log("info", "took the fence", { epoch: fence.epoch, zone: destination.zone });
        await replica.ready(signal);
      },
    };
  },
});
