// Reads a container's log for `kubectl logs`: the whole log or its last lines and, with `follow`, what is added until
// the container ends. A log holds what the container wrote, byte for byte, so its lines have no times.

import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

export interface LogRequest {
  readonly follow: boolean;
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
}

const blockBytes = 64 * 1024;
const followPollMs = 200;

/** @param running whether the container may still write. */
export async function* readLog(
  path: string,
  request: LogRequest,
  running: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const file = await open(path, "r");
  try {
    let position = request.tailLines === undefined ? 0 : await startOfTail(file, request.tailLines);
    let left = request.limitBytes ?? Infinity;
    while (left > 0 && !signal.aborted) {
      // Asked before reading, so that what is written before the end is still read.
      const more = request.follow && running();
      const block = await readAt(file, position, Math.min(blockBytes, left));
      position += block.length;
      left -= block.length;
      if (block.length > 0) yield block;
      else if (more) await sleep(followPollMs);
      else return;
    }
  } finally {
    await file.close();
  }
}

/** The position where the last `lines` lines begin. A last line without a line end counts. */
async function startOfTail(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines <= 0) return size;
  let found = 0;
  for (let end = size; end > 0; end -= blockBytes) {
    const start = Math.max(0, end - blockBytes);
    const block = await readAt(file, start, end - start);
    for (let at = block.length - 1; at >= 0; at--) {
      // A line end at the end of the file ends the last line; it does not begin a new one.
      if (block[at] !== 0x0a || start + at === size - 1) continue;
      found++;
      if (found === lines) return start + at + 1;
    }
  }
  return 0;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
