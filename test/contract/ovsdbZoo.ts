// A small database with a column of every kind, for tests of the OVSDB client.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Database,
  parseSchema,
  Session,
  type SessionOptions,
  Transaction,
} from "../../src/ovsdb/index.ts";
import { makeFolder, removeFolder } from "../real/atExit.ts";
import { type ClusterOptions, type OvsdbCluster, startOvsdbCluster } from "../real/ovsdbCluster.ts";
import { type OvsdbServer, startOvsdbServer } from "../real/ovsdbServer.ts";

const unlimited = { min: 0, max: "unlimited" };
const columns = {
  name: { type: "string" },
  legs: { type: "integer" },
  weight: { type: "real" },
  tame: { type: "boolean" },
  tags: { type: { key: "string", ...unlimited } },
  lucky: { type: { key: "integer", ...unlimited } },
  cage: { type: { key: "integer", min: 0, max: 1 } },
  ids: { type: { key: "string", value: "string", ...unlimited } },
};

export const zooJson = { name: "Zoo", version: "1.0.0", tables: { Animal: { isRoot: true, columns } } };
/** A later version of the schema: one column more, one less. */
const { weight: _, ...lighter } = columns;
export const newerZooJson = {
  name: "Zoo",
  version: "2.0.0",
  tables: { Animal: { isRoot: true, columns: { ...lighter, colour: { type: "string" } } } },
};

export const zoo: Database<unknown> = { schema: parseSchema(zooJson) };
export const newerZoo: Database<unknown> = { schema: parseSchema(newerZooJson) };

export const begin = (): Transaction => new Transaction(zoo);

/** A server with an empty zoo. */
export const startZoo = (): Promise<OvsdbServer> => withZooSchema(startOvsdbServer);

/** A cluster with an empty zoo. */
export const startZooCluster = (options?: ClusterOptions): Promise<OvsdbCluster> =>
  withZooSchema((file) => startOvsdbCluster(file, "Zoo", options));

async function withZooSchema<T>(start: (schemaFile: string) => Promise<T>): Promise<T> {
  const folder = await makeFolder("weft-zoo-");
  try {
    const file = join(folder, "zoo.ovsschema");
    await writeFile(file, JSON.stringify(zooJson));
    return await start(file);
  } finally {
    await removeFolder(folder);
  }
}

/** A connected session with the zoo. */
export async function visit(remote: string, options: Partial<SessionOptions> = {}): Promise<Session> {
  const session = new Session({ remotes: [remote], database: "Zoo", minBackoffMs: 20, ...options });
  session.start();
  await session.connected(AbortSignal.timeout(30_000));
  return session;
}
