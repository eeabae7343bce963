// The client's identity and connections. Certificates are replaced long before they expire, by rewriting the files, so
// the configuration is read again from time to time, and at once when the server no longer accepts it. Streams that are
// open keep the identity they began with.

import http from "node:http";
import https from "node:https";
import { isDeepStrictEqual } from "node:util";
import type { ClusterConfig } from "./config.ts";

export interface CredentialsOptions {
  /** Reads the configuration anew; undefined when there is nothing to read. */
  readonly reload: (() => Promise<ClusterConfig>) | undefined;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
}

const rereadAfterMs = 10_000;

export class Credentials implements Disposable {
  readonly #options: CredentialsOptions;
  readonly #isPlain: boolean;
  #config: ClusterConfig;
  #agent: http.Agent;
  #readAt: number;
  #reading: Promise<void> | undefined;

  constructor(config: ClusterConfig, options: CredentialsOptions) {
    this.#options = options;
    this.#config = config;
    this.#isPlain = new URL(config.server).protocol === "http:";
    this.#agent = this.#newAgent();
    this.#readAt = options.now();
  }

  /** For the next request. */
  async current(): Promise<{ readonly agent: http.Agent; readonly token: string | undefined }> {
    if (this.#options.now() - this.#readAt >= rereadAfterMs) await this.#reread();
    return { agent: this.#agent, token: await this.#config.token?.() };
  }

  /** The server did not accept them: before the next request they are read again. */
  refused(): void {
    this.#readAt = Number.NEGATIVE_INFINITY;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #reread(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const { reload, now } = this.#options;
    this.#readAt = now();
    // A file that is just being replaced may make no sense. The next time it does.
    const config = await reload?.().catch(() => undefined);
    if (!config) return;
    const isSame = isDeepStrictEqual(identityOf(config), identityOf(this.#config));
    this.#config = config;
    if (isSame) return;
    const old = this.#agent;
    this.#agent = this.#newAgent();
    old.maxFreeSockets = 0;
    for (const socket of Object.values(old.freeSockets).flat()) socket?.destroy();
  }

  #newAgent(): http.Agent {
    const { insecure, ...tls } = identityOf(this.#config);
    // With keepAlive the kernel probes silent connections too, so a dead peer is noticed within half a minute.
    const keepAlive = { keepAlive: true, keepAliveMsecs: 15_000 };
    return this.#isPlain
      ? new http.Agent(keepAlive)
      : new https.Agent({ ...keepAlive, ...tls, rejectUnauthorized: !insecure });
  }
}

/** What a connection is made with. */
const identityOf = ({ ca, clientCert, clientKey, serverName, insecure }: ClusterConfig) => ({
  insecure: insecure === true,
  ...(ca !== undefined && { ca }),
  ...(clientCert !== undefined && { cert: clientCert }),
  ...(clientKey !== undefined && { key: clientKey }),
  ...(serverName !== undefined && { servername: serverName }),
});
