// Where a server listens, as Open vSwitch writes it: `unix:/run/ovn/ovnnb_db.sock`, `tcp:10.0.0.1:6641`,
// `tcp:[fd00::1]:6641`, `ssl:10.0.0.1:6641`.

import { connect, type Socket } from "node:net";
import { OvsdbError } from "./errors.ts";
import { connectTls } from "./tls.ts";
import type { TlsOptions } from "./tlsOptions.ts";

export type Remote =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp" | "tls"; readonly host: string; readonly port: number };

/** The remote in `text`. Throws an `OvsdbError` "invalid remote" that says what is wrong with it. */
export function parseRemote(text: string): Remote {
  if (text.startsWith("unix:") && text.length > 5) return { kind: "unix", path: text.slice(5) };
  const match = /^(tcp|ssl|tls):(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[2] ?? match?.[3];
  const port = Number(match?.[4]);
  if (host !== undefined && port >= 1 && port <= 65_535)
    return { kind: match?.[1] === "tcp" ? "tcp" : "tls", host, port };
  throw new OvsdbError(
    "invalid remote",
    `remote ${JSON.stringify(text)}: expected unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT, an IPv6 address in brackets`,
  );
}

/** Begins to connect. Data written before the connection is established is sent then. */
export function openRemote(remote: Remote, tls?: TlsOptions): Socket {
  if (remote.kind === "unix") return connect(remote.path);
  const { host, port } = remote;
  if (remote.kind === "tcp") return connect({ host, port, noDelay: true });
  if (tls) return connectTls(host, port, tls);
  throw new OvsdbError("tls error", "tls: a remote ssl:HOST:PORT needs the option tls");
}
