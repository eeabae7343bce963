// What is known of a move while it is on trial, in a file below /run: gone after a reboot, like the move itself. A
// process that finds it can put everything back, even if the process that made the move has died.

import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { nothingIfAbsent } from "../host/absent.ts";
import type { Stand } from "./stand.ts";

const recordSchema = v.object({
  /** Tells this trial from later ones. */
  trial: v.string(),
  uplink: v.string(),
  state: v.picklist(["trying", "waiting for confirmation"]),
  stand: v.custom<Stand>((value) => typeof value === "object" && value !== null && "addresses" in value),
});
export type TrialRecord = v.InferOutput<typeof recordSchema>;

export async function readRecord(file: string): Promise<TrialRecord | undefined> {
  const content = await readFile(file, "utf8").catch(nothingIfAbsent);
  return content === undefined ? undefined : v.parse(recordSchema, JSON.parse(content));
}

export async function writeRecord(file: string, record: TrialRecord): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

export const forgetRecord = (file: string): Promise<void> => rm(file, { force: true });
