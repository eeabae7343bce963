// `weft signer`: keeps the certificates of OVN's databases, the controllers and the nodes valid. Whoever uses them reads the
// files again when they change, so nothing is restarted and no connection ends.
//
// A step is taken only when the one before is in force. A kubelet brings a changed Secret into its pods within some two
// minutes, and nobody tells when it has. So the signer waits, by its own clock and from the start of its own process, until it has
// seen the same Secrets for long enough.

import { createHash } from "node:crypto";
import type { KubeClient } from "../kube/client.ts";
import { type Clock, type Log, pause } from "../kube/clock.ts";
import { isConflict } from "../kube/error.ts";
import type { Ip } from "../model/ip.ts";
import { type Keyring, memberNames, renewed } from "./renewal.ts";
import { KeyringStore, secretOf } from "./secrets.ts";
import { endOf } from "./trust.ts";

export interface SignerOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** Of the databases. */
  readonly addresses: readonly Ip[];
  readonly lifeMs: number;
  readonly authorityLifeMs: number;
  /** Until a changed Secret is in use everywhere. */
  readonly settleMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often the Secrets are looked at. */
const roundMs = 60_000;
/** How long the API server may be silent before the signer reports it. */
const silenceMs = 10 * roundMs;

export class Signer {
  readonly #options: SignerOptions;
  readonly #store: KeyringStore;
  /** What was seen last, and since when. */
  #seen = { digest: "", sinceMs: 0 };
  #keyring: Keyring | undefined;
  #lookedAtMs: number;
  #trouble = "it has not read its Secrets yet";

  constructor(options: SignerOptions) {
    this.#options = options;
    this.#store = new KeyringStore(options.client, options.namespace);
    this.#lookedAtMs = options.clock.now();
  }

  /** Until `signal` aborts. Whatever goes wrong is logged and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, settleMs } = this.#options;
    while (!signal.aborted) {
      try {
        await this.round(signal);
        this.#lookedAtMs = clock.now();
        this.#trouble = "";
      } catch (error) {
        if (signal.aborted) return;
        this.#trouble = error instanceof Error ? error.message : String(error);
        // Another signer, or somebody by hand: the next round sees what there is now.
        log(isConflict(error) ? "info" : "warn", "cannot renew certificates, trying again", { error });
      }
      await pause(clock, Math.min(roundMs, settleMs / 2), signal);
    }
  }

  /** Looks once, and writes what is to be written. */
  async round(signal: AbortSignal): Promise<void> {
    const { clock, log, lifeMs, authorityLifeMs, addresses } = this.#options;
    const present = await this.#store.read({ signal });
    const next = renewed(present, {
      nowMs: clock.wall(),
      isInForce: this.#isInForce(present),
      ...{ lifeMs, authorityLifeMs, addresses },
    });
    this.#keyring = next;
    const written = await this.#store.write(next, { signal });
    if (written.length > 0) log("info", "certificates renewed", { secrets: written.join(", ") });
  }

  /** When the certificate of each member ends, in milliseconds since 1970: Secret ▶ time. */
  get ends(): ReadonlyMap<string, number> {
    return new Map(
      memberNames.flatMap((name) => {
        const holding = this.#keyring?.holdings[name];
        return holding ? [[secretOf(name), endOf(holding.pair.certificate)] as const] : [];
      }),
    );
  }

  /** What is wrong, in one sentence; undefined when all is well. */
  get notReady(): string | undefined {
    const { clock, lifeMs } = this.#options;
    if (!this.#keyring || clock.now() - this.#lookedAtMs > silenceMs)
      return `certificates are not renewed: ${this.#trouble}`;
    for (const [secret, end] of this.ends)
      if (end - clock.wall() < lifeMs / 6)
        return `the certificate in ${secret} ends ${new Date(end).toISOString()} and is not renewed${this.#trouble && `: ${this.#trouble}`}`;
    return undefined;
  }

  #isInForce(present: Keyring): boolean {
    const { clock, settleMs } = this.#options;
    const digest = createHash("sha256").update(JSON.stringify(present)).digest("hex");
    if (digest !== this.#seen.digest) this.#seen = { digest, sinceMs: clock.now() };
    return clock.now() - this.#seen.sinceMs >= settleMs;
  }
}
