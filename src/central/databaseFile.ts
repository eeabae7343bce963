// A member's database on disk, by ovsdb-tool(1). A file appears whole or not at all.

import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../node/host/run.ts";
import type { Beginning, Disk } from "./beginning.ts";
import { type DatabaseName, type OwnPlace, places, raftAddressOf } from "./members.ts";

/** A leader that is silent for this long is replaced. More than a busy server's longest pause, such as a snapshot of its log. */
const electionTimerMs = 5000;

export interface FileOptions {
  readonly name: DatabaseName;
  readonly place: OwnPlace;
  readonly folder: string;
  readonly schemas: string;
}

const fileOf = ({ name, folder }: FileOptions): string => join(folder, places[name].file);
const schemaOf = ({ name, schemas }: FileOptions): string => join(schemas, places[name].schema);

/** Rejects when there is a file that is no database. */
export async function diskOf(options: FileOptions): Promise<Disk> {
  const file = fileOf(options);
  if (!existsSync(file)) return { kind: "nothing" };
  // Of these two ovsdb-tool answers one by its exit status.
  const isClustered = await run(["ovsdb-tool", "db-is-clustered", file]).then(
    () => true,
    () => false,
  );
  if (isClustered)
    return { kind: "clustered", address: (await run(["ovsdb-tool", "db-local-address", file])).trim() };
  await run(["ovsdb-tool", "db-is-standalone", file]);
  return { kind: "standalone" };
}

/** Does what `beginning` says, so that there is a file to serve. */
export async function begin(beginning: Beginning, options: FileOptions): Promise<void> {
  const file = fileOf(options);
  const { name, place } = options;
  const address = raftAddressOf(place.own, name);
  switch (beginning.kind) {
    case "use":
      return convertStandalone(options);
    case "create standalone":
      return written(file, (fresh) => run(["ovsdb-tool", "create", fresh, schemaOf(options)]));
    case "create cluster": {
      const content = beginning.from === "schema" ? schemaOf(options) : file;
      const timer = `--election-timer=${electionTimerMs}`;
      return written(file, (fresh) => run(["ovsdb-tool", timer, "create-cluster", fresh, content, address]));
    }
    case "join":
      return written(file, (fresh) =>
        run(["ovsdb-tool", "join-cluster", fresh, places[name].database, address, ...beginning.remotes]),
      );
    case "wait":
    case "refuse":
      throw new Error(beginning.why);
  }
}

/** To the schema of this version of OVN. A cluster's is converted while it runs (keeper.ts). */
async function convertStandalone(options: FileOptions): Promise<void> {
  const file = fileOf(options);
  if ((await diskOf(options)).kind !== "standalone") return;
  const needed = await run(["ovsdb-tool", "needs-conversion", file, schemaOf(options)]);
  if (needed.trim() === "yes") await run(["ovsdb-tool", "convert", file, schemaOf(options)]);
}

async function written(file: string, write: (fresh: string) => Promise<unknown>): Promise<void> {
  const fresh = `${file}.new`;
  await mkdir(dirname(file), { recursive: true });
  await rm(fresh, { force: true });
  await write(fresh);
  await rename(fresh, file);
}
