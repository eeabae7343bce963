// One agent for each node: a second one would take the first one's socket, and undo its work. The lock is flock(2)'s,
// which ends with the process however it dies. It belongs to the open file and not to the process that asked for it, so
// flock(1) can take it for this process, because Node.js has no call for it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";

/** The file must stay open for as long as this is the only agent. Rejects when there is another one, and names it. */
export async function soleAgent(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, "a+", 0o600);
  try {
    if (!(await isLocked(file))) {
      const holder = (await file.readFile("utf8")).trim() || "unknown";
      throw new Error(
        `an agent runs on this node already (process ${holder} holds ${path}); stop it before you start another one`,
      );
    }
    await leaveWord(file).catch(() => undefined);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** For people. Without it, as when the disk is full, the lock holds all the same. */
async function leaveWord(file: FileHandle): Promise<void> {
  await file.truncate();
  await file.write(`${process.pid}\n`);
}

/** Whether this process has the lock now. */
async function isLocked(file: FileHandle): Promise<boolean> {
  const child = spawn("flock", ["--nonblock", "3"], { stdio: ["ignore", "ignore", "ignore", file.fd] });
  const [status]: unknown[] = await once(child, "close");
  if (status === 0 || status === 1) return status === 0;
  throw new Error(`flock(1) cannot lock: exit ${String(status)}`);
}
