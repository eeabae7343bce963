// Starts the API server inside a process: TLS on a TCP port and, on request, on a unix socket too.

import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type Server as HttpsServer } from "node:https";
import { join } from "node:path";
import { parseCidr } from "../../src/model/ip.ts";
import { Authenticator, tokenFileUsers, type User } from "./auth.ts";
import { apiService, dnsService, keepSystemObjects } from "./bootstrap.ts";
import { serverCertificate } from "./certs.ts";
import { CustomKinds } from "./custom/custom-kinds.ts";
import { GarbageCollector } from "./gc.ts";
import { handleRequest, handleUpgrade, type Server } from "./http/handler.ts";
import type { JsonObject } from "./json.ts";
import { KindRegistry } from "./kinds/registry.ts";
import { kinds } from "./kinds/table.ts";
import type { Credentials } from "./kubeconfig.ts";
import type { Clock } from "./objects.ts";
import type { KubeletSocket } from "./proxy.ts";
import { keepJournal } from "./store/journal.ts";
import { ApiStore } from "./store/store.ts";

export interface ApiOptions {
  /** Certificates and the token file are kept here and reused by the next start. */
  readonly stateDir: string;
  /** Where objects are kept for the next start; without it they end with the server. */
  readonly journal?: string;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly socketPath?: string;
  /** Names and addresses by which clients call the server, for its certificate. */
  readonly names: readonly string[];
  /** At most one per family. The first one's family is the default for Services. */
  readonly serviceCidrs: readonly string[];
  /** The server's addresses in the endpoints of `default/kubernetes`. */
  readonly endpoints: readonly string[];
  /** Where the cluster's DNS is served. Without any there is no Service for it. */
  readonly dnsEndpoints?: readonly string[];
  /** CustomResourceDefinitions that are there from the start. */
  readonly definitions?: readonly JsonObject[];
  readonly kubeletSocket: KubeletSocket;
  /** In addition to those in the token file. */
  readonly users?: readonly User[];
  readonly clock?: Clock;
  /** The number of changes of each kind over which a watch is guaranteed to resume. */
  readonly historyLength?: number;
  readonly bookmarkIntervalMs?: number;
  readonly log?: (text: string) => void;
}

/** As long as the real server's, so that a client which keeps a connection does not find it closed. */
const keepAliveTimeout = 180_000;

export interface ApiServer extends AsyncDisposable {
  readonly port: number;
  /** For the first user of the token file, at the address that the server listens on. */
  readonly credentials: Credentials;
  /** For bulk loads and tests; ordinary clients use the network. */
  readonly store: ApiStore;
}

/** Resolves once it listens. Disposing it ends watches and streams and closes all connections. */
export async function startApi(options: ApiOptions): Promise<ApiServer> {
  const { stateDir, clock = Date.now } = options;
  const cidrs = options.serviceCidrs.map((text) => {
    const cidr = parseCidr(text);
    if (!cidr) throw new Error(`service CIDR ${text}: not an address prefix`);
    return cidr;
  });
  const certificate = await serverCertificate(stateDir, [...new Set(["localhost", ...options.names])]);
  const users = await tokenFileUsers(join(stateDir, "tokens.csv"));
  const cluster = {
    store: new ApiStore(kinds, options.historyLength ?? 10_000),
    kinds: new KindRegistry(kinds),
    addresses: { cidrs },
    clock,
  };
  const collector = new GarbageCollector(cluster);
  const customKinds = new CustomKinds(cluster);
  const unjournal = options.journal === undefined ? () => {} : keepJournal(options.journal, cluster.store);
  const stopping = new AbortController();
  const server: Server = {
    cluster,
    authenticator: new Authenticator([...users, ...(options.users ?? [])]),
    kubeletSocket: options.kubeletSocket,
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? 10_000,
    log: options.log ?? (() => {}),
    stopping: stopping.signal,
  };
  const tcp = httpsServer(certificate, server);
  tcp.listen(options.port, options.host);
  await once(tcp, "listening");
  const listeners = [tcp];
  if (options.socketPath !== undefined) {
    const unix = httpsServer(certificate, server);
    await rm(options.socketPath, { force: true });
    unix.listen(options.socketPath);
    await once(unix, "listening");
    listeners.push(unix);
  }
  const port = portOf(tcp);
  const { endpoints, dnsEndpoints = [] } = options;
  const unkeep = keepSystemObjects(
    cluster,
    [apiService(endpoints, port), ...(dnsEndpoints.length > 0 ? [dnsService(dnsEndpoints)] : [])],
    options.definitions ?? [],
  );
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    port,
    credentials: { server: `https://${host}:${port}`, ca: certificate.ca, token: users[0]?.token ?? "" },
    store: cluster.store,
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      unkeep();
      unjournal();
      customKinds[Symbol.dispose]();
      collector[Symbol.dispose]();
      await Promise.all(listeners.map(close));
    },
  };
}

function httpsServer(
  { cert, key }: { readonly cert: string; readonly key: string },
  server: Server,
): HttpsServer {
  const https = createServer({ cert, key, keepAliveTimeout }, (request, response) => {
    void handleRequest(server, request, response);
  });
  https.on("upgrade", (request, socket, head) => void handleUpgrade(server, request, socket, head));
  // A client that does not speak TLS, or breaks off the handshake, affects nobody else.
  https.on("tlsClientError", (error) => server.log(`TLS: ${error.message}`));
  return https;
}

function portOf(server: HttpsServer): number {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the API server has no TCP address");
  return address.port;
}

async function close(server: HttpsServer): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
