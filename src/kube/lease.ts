// Leader election by a Kubernetes Lease. A candidate that has seen a lease unchanged for its whole duration, by its
// own clock, takes it. A holder that could not renew for two thirds of the duration stops leading before anybody else
// can begin. This does not protect against a process that was suspended: the fence in the database does (apply/).

import type { KubeClient } from "./client.ts";
import { pause, type Surroundings, silent, systemClock } from "./clock.ts";
import { isAlreadyExists, isConflict, isNotFound } from "./error.ts";
import {
  type Annotations,
  type Claim,
  type LeaseRecord,
  leaseRecordOf,
  newLease,
  releasedLease,
  renewedLease,
  takenLease,
} from "./lease-record.ts";
import { leases, pathOf } from "./resource.ts";

export interface LeaseOptions extends Surroundings {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Must differ between any two processes, including a process and its successor: host name and a UUID. */
  readonly identity: string;
  /** A holder not heard of for this long is considered dead. */
  readonly durationMs?: number;
  /** What the holder says about itself on the object, repeated with every renewal; undefined removes an annotation. */
  readonly annotations?: () => Annotations;
}

/** A time as leader. Dispose of it once its work has stopped: then others can take the lease at once. */
export interface Term extends AsyncDisposable {
  /** Aborts when leadership is lost, with a reason, and when the term is disposed of. */
  readonly signal: AbortSignal;
  /** `leaseTransitions`: grows with every change of leader. */
  readonly transitions: number;
}

/** Options with every default filled in. */
type Settings = Required<LeaseOptions> & { readonly path: string; readonly retryMs: number };

export class Lease {
  readonly #settings: Settings;
  /** The lease as last read, and since when it has been like that. */
  #seen = { mark: "", sinceMs: 0 };

  constructor(options: LeaseOptions) {
    const { durationMs = 15_000, clock = systemClock, random = Math.random, log = silent } = options;
    const { annotations = () => ({}) } = options;
    const path = pathOf(leases, options.namespace, options.name);
    // client-go's proportions: 15 s, 10 s, 2 s.
    const retryMs = (durationMs * 2) / 15;
    this.#settings = { ...options, durationMs, annotations, clock, random, log, path, retryMs };
  }

  /** Waits until the lease is ours, whatever goes wrong meanwhile. Rejects only with the signal's reason. */
  async acquire(signal: AbortSignal): Promise<Term> {
    const { clock, random, log, path, retryMs } = this.#settings;
    for (;;) {
      signal.throwIfAborted();
      try {
        const term = await this.#attempt(signal);
        if (term) return term;
      } catch (error) {
        signal.throwIfAborted();
        log("warn", `cannot read or take ${path}, trying again`, { error });
      }
      await pause(clock, retryMs * (1 + random() / 5), signal);
    }
  }

  async #attempt(signal: AbortSignal): Promise<Term | undefined> {
    const { client, clock, namespace, name, path, retryMs } = this.#settings;
    const request = { signal, timeoutMs: retryMs };
    const current = await found(client.get(path, request));
    const claimedMs = clock.now();
    const claim = claimOf(this.#settings);
    if (current && !this.#isFree(leaseRecordOf(current))) return undefined;
    try {
      const object = await (current
        ? client.update(path, takenLease(leaseRecordOf(current), claim), request)
        : client.create(pathOf(leases, namespace), newLease(namespace, name, claim), request));
      return new HeldTerm(this.#settings, leaseRecordOf(object), claimedMs);
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) return undefined;
      throw error;
    }
  }

  /** It is nobody's, or ours (an answer was lost), or unchanged for as long as its holder promised to renew it. */
  #isFree(record: LeaseRecord): boolean {
    const { clock, identity, durationMs } = this.#settings;
    if (record.holder === "" || record.holder === identity) return true;
    const mark = `${record.holder} ${record.renewTime} ${record.transitions}`;
    if (mark !== this.#seen.mark) this.#seen = { mark, sinceMs: clock.now() };
    return clock.now() - this.#seen.sinceMs > (record.durationMs ?? durationMs);
  }
}

class HeldTerm implements Term {
  readonly transitions: number;
  readonly #settings: Settings;
  readonly #over = new AbortController();
  readonly #renewing: Promise<void>;
  #record: LeaseRecord;
  #callOffLoss: () => void = () => undefined;

  constructor(settings: Settings, record: LeaseRecord, claimedMs: number) {
    this.#settings = settings;
    this.#record = record;
    this.transitions = record.transitions;
    this.#holdFrom(claimedMs);
    this.#renewing = this.#renewUntilOver();
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { client, clock, log, path, retryMs } = this.#settings;
    const lost = this.signal.aborted;
    this.#end("it was given up");
    await this.#renewing;
    if (lost) return;
    try {
      await client.update(path, releasedLease(this.#record, clock.wall()), { timeoutMs: retryMs });
    } catch (error) {
      log("warn", `cannot release ${path}; it will expire`, { error });
    }
  }

  async #renewUntilOver(): Promise<void> {
    const { clock, random, log, path, retryMs } = this.#settings;
    for (;;) {
      await pause(clock, retryMs * (0.9 + random() / 5), this.signal);
      if (this.signal.aborted) return;
      try {
        await this.#renew();
      } catch (error) {
        log("warn", `cannot renew ${path}, trying again`, { error });
      }
    }
  }

  async #renew(): Promise<void> {
    const { client, clock, path, retryMs } = this.#settings;
    const request = { timeoutMs: retryMs };
    const claimedMs = clock.now();
    const claim = claimOf(this.#settings);
    try {
      this.#record = leaseRecordOf(await client.update(path, renewedLease(this.#record, claim), request));
      if (!this.signal.aborted) this.#holdFrom(claimedMs);
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
      const current = await found(client.get(path, request));
      if (!current) return this.#end("the lease was deleted");
      const record = leaseRecordOf(current);
      if (record.holder !== claim.holder) return this.#end(`"${record.holder}" took the lease`);
      this.#record = record;
    }
  }

  /** Counts from before the request was sent. Others count from when they saw its effect, which is later. */
  #holdFrom(claimedMs: number): void {
    const { clock, durationMs } = this.#settings;
    this.#callOffLoss();
    const leftMs = claimedMs + (durationMs * 2) / 3 - clock.now();
    this.#callOffLoss = clock.after(leftMs, () => this.#end("the lease could not be renewed in time"));
  }

  #end(why: string): void {
    this.#callOffLoss();
    this.#over.abort(new Error(`leadership by ${this.#settings.path} ended: ${why}`));
  }
}

const claimOf = ({ identity, durationMs, clock, annotations }: Settings): Claim => ({
  holder: identity,
  durationMs,
  wallMs: clock.wall(),
  annotations: annotations(),
});

async function found(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
