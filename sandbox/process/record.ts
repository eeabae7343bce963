// How a process of the sandbox is started, and the record that is kept of it: everything needed to find it again
// and to start it again in the same way.

import * as v from "valibot";

const spec = {
  /** Also the name of its log: `n1-vswitchd`. */
  name: v.string(),
  /** The network namespace it runs in; undefined is the machine's own. */
  netns: v.optional(v.string()),
  argv: v.array(v.string()),
  /** The whole environment; nothing of the starter's is inherited. */
  env: v.record(v.string(), v.string()),
  /**
   * What shows that the process is ready, all of it: a port on 127.0.0.1 or a unix socket that accepts connections, or
   * any other file that is there.
   */
  ready: v.optional(v.array(v.union([v.number(), v.string()]))),
};

const recordSchema = v.object({ ...spec, pid: v.number(), startTime: v.string() });

type Readonlied<T> = { readonly [K in keyof T]: T[K] };
export type ProcessRecord = Readonlied<v.InferOutput<typeof recordSchema>>;
export type ProcessSpec = Omit<ProcessRecord, "pid" | "startTime">;

/** The record in the text of `file`. Throws with the file's name when it is damaged. */
export function parseRecord(file: string, text: string): ProcessRecord {
  try {
    return v.parse(recordSchema, JSON.parse(text));
  } catch (cause) {
    throw new Error(`${file}: not the record of a process; remove it, or run: weft sandbox down`, { cause });
  }
}
