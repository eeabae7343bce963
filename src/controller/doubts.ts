// How far a plan may trust what the API server says, or does not say, of an object.

import { NotNow } from "../decide/errors.ts";
import type { Absence } from "../desired/absence.ts";
import { askFor } from "../kube/absence.ts";
import type { ApiServer } from "../kube/apiServer.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Log } from "../kube/clock.ts";
import { type Kind, type KubeObject, kinds } from "../kube/kinds.ts";
import { putUnlessThere, type Stores } from "../kube/stores.ts";
import type { Owner } from "../model/owner.ts";
import type { ObjectName } from "./planner.ts";

export interface DoubtsOptions {
  readonly client: KubeClient;
  readonly server: ApiServer;
  readonly stores: Stores;
  /** Has the owner planned again after a while. */
  readonly again: (owner: Owner, delayMs: number) => void;
  readonly log: Log;
}

const untilAskedAgainMs = 30_000;

export class Doubts {
  readonly #options: DoubtsOptions;

  constructor(options: DoubtsOptions) {
    this.#options = options;
  }

  /** An object that only rows are known of is asked for by name: the list may have left it out. */
  async absence({ kind, namespace, name }: ObjectName, owner: Owner): Promise<Absence> {
    const { client, server, stores, log } = this.#options;
    const answer = await askFor(client, server, kinds[kind], namespace, name).catch((error: unknown) => {
      throw new NotNow(
        `${owner} has rows but no object, and the API server does not answer about it: ${String(error)}`,
      );
    });
    if (answer.is === "there") putUnlessThere(stores, kind, answer.raw);
    if (answer.is === "there" || (answer.is === "gone" && server.isProven)) return "confirmed";
    this.#options.again(owner, untilAskedAgainMs);
    if (answer.is !== "doubtful") return "missing";
    log("debug", "keeping rows whose object is not listed", { owner, why: answer.why });
    return "untrusted";
  }

  /**
   * Why a plan for the object has to wait: it was listed by another server, or in an older state, and has not changed since
   * (see ApiServer.accepts).
   */
  outdated(object: KubeObject | undefined, reads: readonly Kind[]): string | undefined {
    const { server, stores } = this.#options;
    const { doubt } = server;
    const outdated = reads.filter((read) => stores[read].freshness.outdated === "everything");
    if (outdated.length === 0) return undefined;
    // If the object's own kind is up to date, its version does not show whether the other kinds that the plan reads
    // are.
    const isNews =
      object &&
      server.isInDoubt(kinds[object.kind]) &&
      server.accepts(kinds[object.kind], object.resourceVersion) &&
      outdated.every((read) => server.isInDoubt(kinds[read]));
    if (isNews) return undefined;
    return (
      doubt ??
      "everything is being listed again, because the first lists were older than what is already known"
    );
  }
}
