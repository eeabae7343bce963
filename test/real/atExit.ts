// What must not outlive a test process: folders and child processes. Whoever makes one also disposes of it, but a test
// that times out, or that an unhandled rejection ends, never gets there; then it goes when the process exits.

import type { ChildProcess } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();
const children = new Set<ChildProcess>();

process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { ...everything, retryDelay: 20 });
});

/** Repeated if a file comes meanwhile: a process that was killed may still be finishing a system call. */
const everything = { recursive: true, force: true, maxRetries: 50 };

/** The path of a new folder in TMPDIR, for `removeFolder` to remove. */
export async function makeFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  folders.add(folder);
  return folder;
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, everything);
  folders.delete(folder);
}

/** `child`, which is killed at the latest when this process exits. */
export function untilExit<T extends ChildProcess>(child: T): T {
  children.add(child);
  return child.once("exit", () => children.delete(child));
}
