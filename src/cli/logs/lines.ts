// The lines of a log file, and if wanted those that are written later, also after the file has been rotated.

import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { cannotRead } from "../files.ts";

const lookMs = 250;
const chunkBytes = 65_536;

interface Reading {
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** `file` "-" is standard input. Rejects when the file cannot be read; with `follow` it ends only when `signal` aborts. */
export async function* linesOf(file: string, reading: Reading): AsyncIterable<string> {
  try {
    yield* linesIn(file, reading);
  } catch (error) {
    const next = "run this on a node, or name the log of its ovn-controller by --file";
    cannotRead({ what: "the log", file, next })(error);
  }
}

async function* linesIn(file: string, { follow, signal }: Reading): AsyncIterable<string> {
  if (file === "-" || !follow) {
    const input = file === "-" ? process.stdin : createReadStream(file);
    // An error of the stream is not one of the reader.
    const failed = new Promise<never>((_, reject) => void input.once("error", reject));
    failed.catch(() => undefined);
    const lines = createInterface({ input })[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([lines.next(), failed]);
      if (next.done === true) return;
      yield next.value;
    }
  }
  yield* followed(file, signal);
}

/** As `tail -F`: a file that is shorter than before or another one is read from its beginning. */
async function* followed(file: string, signal: AbortSignal): AsyncIterable<string> {
  let rest = "";
  while (!signal.aborted) {
    await using handle = await open(file);
    const { ino } = await handle.stat();
    let at = 0;
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(chunkBytes), 0, chunkBytes, at);
      at += bytesRead;
      const lines = (rest + buffer.toString("utf8", 0, bytesRead)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
      if (bytesRead > 0) continue;
      await delay(lookMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const now = await stat(file).catch(() => undefined);
      if (now && (now.ino !== ino || now.size < at)) break;
    }
    rest = "";
  }
}
