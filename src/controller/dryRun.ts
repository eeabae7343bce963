// What a leader would send now. Needs neither the Lease nor the fence, and writes nothing anywhere.

import { Engine } from "../apply/engine.ts";
import { rememberedIn } from "../apply/memory.ts";
import { defaultPruneLimits } from "../apply/pruneGuard.ts";
import { ApiServer } from "../kube/apiServer.ts";
import { allReady, watchAll } from "../kube/stores.ts";
import { northbound } from "../ovn/northbound.gen.ts";
import { requireFreeRanges } from "./cloudRanges.ts";
import { type ControllerOptions, databasesOf, kindsRead, planningInputs } from "./controllerOptions.ts";
import { requireSameOptions } from "./otherOptions.ts";
import { plannedState } from "./plannedState.ts";
import type { PlanningOptions } from "./planningOptions.ts";

export interface DryRunText {
  /** One block of lines for each transaction; "" when there is nothing to do. */
  readonly operations: string;
  /** What is held back or cannot be planned, a sentence each. */
  readonly notes: readonly string[];
}

/** Rejects with a ConfigError where a controller with these options would not lead. */
export async function dryRun(options: ControllerOptions, signal: AbortSignal): Promise<DryRunText> {
  const { client, cluster, pruneShare, log } = options;
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  await using databases = databasesOf(options);
  const server = new ApiServer(client);
  const stores = watchAll(client, kindsRead, both, { log, server });
  databases.start(both);
  const notes: string[] = [];
  const { replica, northbound: session } = databases;
  try {
    await allReady(stores, both);
    await replica.ready(both);
    const remembered = rememberedIn(replica, cluster);
    if (remembered) await server.remember(remembered);
    if (server.doubt !== undefined) notes.push(server.doubt);
    const planning: PlanningOptions = {
      ...planningInputs(options, stores, server, databases),
      patch: async () => undefined,
      writeServiceStatus: async () => undefined,
      writeFloating: {
        status: async () => undefined,
        make: async () => undefined,
        unmake: async () => undefined,
      },
      tell: {
        decided: () => undefined,
        refused: (_, reason) => notes.push(reason),
        distrusted: () => undefined,
        announced: () => undefined,
        floating: () => undefined,
        notFloating: ({ kind, namespace, name }, reason, message) =>
          notes.push(`${kind} ${namespace}/${name}: ${reason}: ${message}`),
        notGiven: (_, reason, message) => notes.push(`${reason}: ${message}`),
        conflict: ({ message }) => notes.push(message),
        fellShort: ({ kind, namespace, name }, _, message) =>
          notes.push(`${kind} ${namespace === "" ? name : `${namespace}/${name}`}: ${message}`),
      },
      onPlanned: () => undefined,
    };
    requireSameOptions(planning);
    requireFreeRanges(planning);
    const engine = new Engine({
      destination: planning.scope.destination,
      cluster,
      database: northbound,
      desired: await plannedState(planning, both),
      session,
      replica,
      clock: planning.clock,
      log,
      limits: { prune: { ...defaultPruneLimits, share: pruneShare } },
    });
    const { transactions, held, problems } = await engine.dryRun(both);
    if (held) notes.push(held.message);
    return { operations: transactions.map(String).join("\n\n"), notes: [...notes, ...problems] };
  } finally {
    ending.abort(new Error("the dry run is over"));
  }
}
