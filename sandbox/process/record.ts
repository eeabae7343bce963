// How a process of the sandbox is started, and the record of it: everything needed to find it again and to restart it
// in the same way.

import * as v from "valibot";

const spec = {
  /** Also the name of its log: `n1-vswitchd`. */
  name: v.string(),
  /** The network namespace it runs in; undefined is the machine's own. */
  netns: v.optional(v.string()),
  argv: v.array(v.string()),
  /** The whole environment. Nothing is inherited from the starter. */
  env: v.record(v.string(), v.string()),
  /**
   * What together shows that the process is ready: a port on 127.0.0.1 or a unix socket that accepts connections, or
   * any other file that exists.
   */
  ready: v.optional(v.array(v.union([v.number(), v.string()]))),
};

/** The process's present life, or its last one. */
const life = {
  pid: v.number(),
  startTime: v.string(),
  /** It was ended on purpose, so nobody restarts it without being asked. */
  stopped: v.optional(v.boolean()),
  /** When it died by itself, in ms since the epoch: the most recent deaths, over all lives. */
  deaths: v.optional(v.pipe(v.array(v.number()), v.readonly())),
  /** The end of this life is already among `deaths`. */
  noted: v.optional(v.boolean()),
};

const recordSchema = v.object({ ...spec, ...life });

type Readonlied<T> = { readonly [K in keyof T]: T[K] };
export type ProcessRecord = Readonlied<v.InferOutput<typeof recordSchema>>;
export type ProcessSpec = Omit<ProcessRecord, keyof typeof life>;
export type Fate = Pick<ProcessRecord, "stopped" | "deaths" | "noted">;

/** Parses the record in the text of `file`. Throws with the file's name when it is damaged. */
export function parseRecord(file: string, text: string): ProcessRecord {
  try {
    return v.parse(recordSchema, JSON.parse(text));
  } catch (cause) {
    throw new Error(`${file}: not the record of a process; remove it, or run: weft sandbox down`, { cause });
  }
}
