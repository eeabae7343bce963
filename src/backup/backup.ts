// Reads a whole northbound database in one transaction, and puts such a state back. The southbound database is not
// part of it: ovn-northd computes it from the northbound one, chassis add themselves, neighbours are learnt again.

import { FenceLostError } from "../apply/errors.ts";
import { Fence } from "../apply/fence.ts";
import { holdFence } from "../apply/holdFence.ts";
import { ownership } from "../model/names.ts";
import { isNewer } from "../model/schemaVersion.ts";
import { northbound } from "../ovn/northbound.gen.ts";
import { type Database, type DatabaseSchema, type Row, type Session, Transaction } from "../ovsdb/index.ts";
import { type Difference, differenceOf, writeDifference } from "./difference.ts";
import { type About, backupOf, backupText, type Content, headerOf } from "./file.ts";

/** The server's own schema rather than the one that Weft was made with: it may have more. */
function schemaOf(session: Session): DatabaseSchema {
  if (!session.serverSchema) throw new Error("the database has not sent its schema");
  return session.serverSchema;
}

async function contentOf(session: Session, schema: DatabaseSchema, signal: AbortSignal): Promise<Content> {
  const tables = [...schema.tables.keys()];
  const database: Database<unknown> = { schema };
  const query = new Transaction(database);
  for (const table of tables) query.select(table, []);
  const { operations } = await session.transact(query, { signal });
  return new Map(tables.map((table, index) => [table, operations[index]?.rows ?? []]));
}

/** The ids of Weft's clusters that have rows. */
function clustersIn(content: Content): ReadonlySet<string> {
  const ids = [...content.values()].flat().flatMap((row) => clusterOf(row) ?? []);
  return new Set(ids);
}

function clusterOf({ external_ids: ids }: Row): string | undefined {
  const id = ids instanceof Map ? ids.get(ownership.cluster) : undefined;
  return typeof id === "string" ? id : undefined;
}

/** The text of a backup. Rejects when the database has nothing of the cluster: such a backup would be a trap. */
export async function backup(session: Session, about: About, signal: AbortSignal): Promise<string> {
  const schema = schemaOf(session);
  const content = await contentOf(session, schema, signal);
  requireOwn(clustersIn(content), about.cluster, "this database");
  return backupText(about, schema, content);
}

function requireOwn(clusters: ReadonlySet<string>, cluster: string, what: string): void {
  const others = [...clusters].filter((id) => id !== cluster);
  if (others.length > 0) {
    throw new Error(
      clusters.has(cluster)
        ? `${what} is shared by the clusters ${[...clusters].join(", ")}: it belongs to their cloud, whose operator backs it up as a whole; Weft makes a cluster's rows again by itself`
        : `${what} is of cluster ${others.join(", ")}, and not of ${cluster}: name the right one with --cluster`,
    );
  }
}

export interface RestoreOptions {
  readonly session: Session;
  readonly cluster: string;
  readonly text: string;
  /** Who restores, for the fence. */
  readonly holder: string;
  readonly dryRun: boolean;
}

/** Makes the database as the backup has it, in one transaction. Resolves with what differed. */
export async function restore(options: RestoreOptions, signal: AbortSignal): Promise<Difference> {
  const { session, cluster, text, holder, dryRun } = options;
  const schema = schemaOf(session);
  const header = headerOf(text);
  if (header.database !== schema.name)
    throw new Error(`this is a backup of ${header.database}, not of ${schema.name}`);
  if (header.cluster !== cluster)
    throw new Error(
      `this is a backup of cluster ${header.cluster}, not of ${cluster}: use the right file, or --cluster ${header.cluster}`,
    );
  if (isNewer(header.schemaVersion, schema.version)) {
    throw new Error(
      `the backup's schema ${header.schemaVersion} is newer than the database's ${schema.version}: upgrade OVN's databases to the version that the backup was made on, then restore`,
    );
  }
  const { content } = backupOf(text, schema);
  requireOwn(clustersIn(content), cluster, "the backup");
  const replica = session.replica(northbound, { Address_Set: true });
  await replica.ready(signal);
  const fence = new Fence({ database: northbound, cluster, holder });
  const difference = async (): Promise<Difference> => {
    const present = await contentOf(session, schema, signal);
    if (clustersIn(present).size > 0) requireOwn(clustersIn(present), cluster, "the database");
    return differenceOf(schema, present, content, new Set([fence.row]));
  };
  if (dryRun) return difference();
  await difference();
  await fence.take(session, replica, signal);
  try {
    // A controller that leads takes its fence back, before anything is changed.
    await holdFence(fence, replica, signal);
    const found = await difference();
    const database: Database<unknown> = { schema };
    const tx = fence.guard(new Transaction(database));
    writeDifference(tx, found);
    await session.transact(tx, { signal });
    return found;
  } catch (cause) {
    if (!(cause instanceof FenceLostError) && fence.lost(cause) === undefined) throw cause;
    throw new Error(
      `cluster ${cluster} is led by a running controller, which would undo the restore: stop it (kubectl scale deployment weft-controller --replicas=0), then run this again. Nothing has been restored`,
      { cause },
    );
  }
}
