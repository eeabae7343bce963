// A private, real ovsdb-server for a test or a benchmark, with its own temporary folder and sockets, gone when disposed
// of. This one is standalone; ovsdbCluster.ts makes a RAFT cluster of several.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { parseSchema, type Row } from "../../src/ovsdb/index.ts";
import { RowDecoder } from "../../src/ovsdb/rowDecoder.ts";
import { makeFolder, removeFolder, untilExit } from "./atExit.ts";
import { ovnEnvironment } from "./ovn.ts";
import { until } from "./until.ts";

const schemas = join(import.meta.dirname, "../../src/ovn/schemas");
export const northboundSchema = join(schemas, "northbound.ovsschema");
export const southboundSchema = join(schemas, "southbound.ovsschema");
export const vswitchSchema = join(schemas, "vswitch.ovsschema");

export interface OvsdbServer extends AsyncDisposable {
  /** `unix:…`, in the form that clients take. */
  readonly remote: string;
  /** `tcp:127.0.0.1:PORT`. */
  readonly tcpRemote: string;
  readonly folder: string;
  readonly pid: number;
  readonly running: boolean;
  /** Ends the server. `start` brings it back with the same database and the same remotes. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
}

/** A running server with an empty database of the schema in `schemaFile`. */
export async function startOvsdbServer(schemaFile: string): Promise<OvsdbServer> {
  const folder = await makeFolder("weft-ovsdb-");
  const database = join(folder, "db");
  await run("ovsdb-tool", ["create", database, schemaFile]);
  const port = await freePort();
  return startServer(folder, database, port);
}

/** A server that relays `database` of other servers (ovsdb(7), relay service model), connected to one of them. */
export async function startRelayServer(database: string, sources: readonly string[]): Promise<OvsdbServer> {
  const folder = await makeFolder("weft-ovsdb-relay-");
  const server = await startServer(folder, `relay:${database}:${sources.join(",")}`, await freePort());
  await run("ovsdb-client", ["--timeout=20", "wait", server.remote, database, "connected"]);
  return server;
}

export interface ServerOptions {
  /** More arguments for ovsdb-server. */
  readonly args?: readonly string[];
  /** A command prefix to run the server in, such as a namespace's. */
  readonly within?: readonly string[];
}

/**
 * Serves `database`, a file or a relay's source, on `folder`/sock and on a TCP port of this machine. `folder` is also
 * the server's run directory, so unix sockets given without a folder are there.
 */
export async function startServer(
  folder: string,
  database: string,
  port: number,
  { args = [], within = [] }: ServerOptions = {},
): Promise<OvsdbServer> {
  const socket = join(folder, "sock");
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    // setpriv: the server must not outlive a test process that is killed.
    child = untilExit(
      spawn(
        "setpriv",
        [
          "--pdeathsig=KILL",
          ...within,
          "ovsdb-server",
          `--remote=punix:${socket}`,
          `--remote=ptcp:${port}:127.0.0.1`,
          `--unixctl=${join(folder, "ctl")}`,
          "--no-chdir",
          "-vconsole:off",
          `--log-file=${join(folder, "log")}`,
          ...args,
          database,
        ],
        { stdio: "ignore", env: { ...ovnEnvironment, OVS_RUNDIR: folder } },
      ),
    );
    await accepting(socket, child);
  }

  const running = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null;

  async function stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (!child || !running()) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  await start();
  return {
    remote: `unix:${socket}`,
    tcpRemote: `tcp:127.0.0.1:${port}`,
    folder,
    get pid() {
      return child?.pid ?? 0;
    },
    get running() {
      return running();
    },
    start,
    stop,
    async [Symbol.asyncDispose]() {
      await stop("SIGKILL");
      await removeFolder(folder);
    },
  };
}

/** All rows of a table as `ovsdb-client` sees them. Of the client under test, only the row decoder takes part. */
export async function select(remote: string, database: string, table: string): Promise<Row[]> {
  const { tables } = parseSchema(JSON.parse(await run("ovsdb-client", ["get-schema", remote, database])));
  const schema = tables.get(table);
  if (!schema) throw new Error(`no table ${table}`);
  const decoder = new RowDecoder(schema, schema, schema.columns.keys(), (atom) => atom);
  const query = JSON.stringify([database, { op: "select", table, where: [] }]);
  const reply: readonly { rows: readonly { _uuid: readonly string[] }[] }[] = JSON.parse(
    await run("ovsdb-client", ["transact", remote, query]),
  );
  return (reply[0]?.rows ?? []).flatMap(
    (row) => decoder.after(row._uuid[1] ?? "", undefined, { insert: row }) ?? [],
  );
}

/** Runs a command to its end. Resolves with its standard output; a status other than 0 is an error. */
export async function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = ovnEnvironment,
): Promise<string> {
  const child = untilExit(spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], timeout: 30_000, env }));
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  await once(child, "close");
  if (child.exitCode !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr || child.signalCode}`);
  return stdout;
}

/** A TCP port of this machine that nothing listens on at present. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

function accepting(socket: string, server: ChildProcess): Promise<void> {
  return until(`ovsdb-server listens on ${socket}`, () => {
    if (server.exitCode !== null) throw new Error(`ovsdb-server ended with ${server.exitCode}`);
    return accepts(socket);
  });
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(path);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}
