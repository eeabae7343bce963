// What the server keeps on disk, so that one that is killed comes back with what it had: a line for each write, in the
// order of writing. Each start writes the file anew, with the objects that are left. Nothing is flushed to the disk: the
// file outlives the process, not the machine.

import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { asKubeObject, type KubeObject } from "../objects.ts";
import type { Change } from "./shelf.ts";
import { type ApiStore, shelfName } from "./store.ts";

/** `object` is missing when the write was a deletion. */
interface Line {
  readonly shelf: string;
  readonly key: string;
  readonly revision: number;
  readonly object?: KubeObject;
}

/**
 * Puts back what `file` has, if it exists, and from then on keeps it up to date. Returns a function that ends this. The
 * listeners of the empty `store` hear of each object; its watches cannot resume from before.
 */
export function keepJournal(file: string, store: ApiStore): () => void {
  const lines = existsSync(file) ? parsed(readFileSync(file, "utf8")) : [];
  const left = remaining(lines);
  // An object of a custom kind has its place only when the definition is there.
  const ofKnownKinds = left.filter(({ shelf }) => store.kindOn(shelf));
  for (const { shelf, object } of new Set([...ofKnownKinds, ...left])) {
    const kind = store.kindOn(shelf);
    if (kind && object) store.restore(kind, object);
  }
  store.beginHistory(lines.at(-1)?.revision ?? store.revision);
  writeFileSync(`${file}.new`, [...left, ...lines.slice(-1)].map(textOf).join(""), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return store.subscribe((change) => appendFileSync(file, textOf(lineOf(change))));
}

const textOf = (line: Line): string => `${JSON.stringify(line)}\n`;

const lineOf = ({ kind, type, entry: { key, revision, object } }: Change): Line => ({
  shelf: shelfName(kind),
  key,
  revision,
  ...(type !== "DELETED" && { object }),
});

/** A last line without an end was being written when the server was killed: nobody has had an answer to it. */
const parsed = (text: string): readonly Line[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const { object, ...rest }: Line = JSON.parse(line);
      return { ...rest, ...(object && { object: asKubeObject(object) }) };
    });

/** The last write of each object that is left, in the order of their revisions. */
function remaining(lines: readonly Line[]): readonly Line[] {
  const byKey = new Map<string, Line>();
  for (const line of lines) {
    const id = `${line.shelf} ${line.key}`;
    byKey.delete(id);
    if (line.object) byKey.set(id, line);
  }
  return [...byKey.values()];
}
