// Where a server listens, as Open vSwitch writes it: `unix:/run/ovn/ovnnb_db.sock`, `tcp:10.0.0.1:6641`,
// `tcp:[fd00::1]:6641`.

import { connect, type Socket } from "node:net";
import { OvsdbError } from "./errors.ts";

export type Remote =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number };

/** The remote that `text` names; an `OvsdbError` "invalid remote" says what is wrong with it. */
export function parseRemote(text: string): Remote {
  if (text.startsWith("unix:") && text.length > 5) return { kind: "unix", path: text.slice(5) };
  const match = /^tcp:(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host !== undefined && port >= 1 && port <= 65_535) return { kind: "tcp", host, port };
  throw new OvsdbError(
    "invalid remote",
    `remote ${JSON.stringify(text)}: expected unix:PATH or tcp:HOST:PORT, an IPv6 address in brackets`,
  );
}

/** Begins to connect; what is written before the connection stands is sent when it does. */
export function openRemote(remote: Remote): Socket {
  if (remote.kind === "unix") return connect(remote.path);
  return connect({ host: remote.host, port: remote.port, noDelay: true });
}
