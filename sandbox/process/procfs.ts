// What /proc says about processes. A pid and a start time together identify a process, because pids are reused. A
// zombie counts as dead, although `kill -0` succeeds until its parent collects it.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ProcessState {
  /** One letter of proc(5): R, S, D, Z, T … */
  readonly letter: string;
  readonly parent: number;
  /** Clock ticks since boot. */
  readonly startTime: string;
}

/** The state of `pid`, or undefined when there is no such process. */
export function processState(pid: number): ProcessState | undefined {
  const text = unlessGone(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  return text === undefined ? undefined : parseStat(text);
}

/** Parses /proc/PID/stat. The command's name, in parentheses, may itself contain spaces and parentheses. */
export function parseStat(text: string): ProcessState | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [letter, parent, startTime] = [fields[0], fields[1], fields[19]];
  return letter && parent && startTime ? { letter, parent: Number(parent), startTime } : undefined;
}

export function isRunning(pid: number, startTime: string): boolean {
  const state = processState(pid);
  return state !== undefined && state.startTime === startTime && state.letter !== "Z" && state.letter !== "X";
}

/** Every process whose network namespace is one of these (inode numbers of nsfs), without zombies. */
export function processesInNetns(inodes: ReadonlySet<number>): number[] {
  const wanted = new Set([...inodes].map((inode) => `net:[${inode}]`));
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => wanted.has(unlessGone(() => readlinkSync(`/proc/${pid}/ns/net`)) ?? ""))
    .map(Number);
}

/** This process and its ancestors, which a clean-up must not kill. */
export function ownAncestry(): Set<number> {
  const pids = new Set<number>();
  for (let pid = process.pid; pid > 0 && !pids.has(pid); pid = processState(pid)?.parent ?? 0) pids.add(pid);
  return pids;
}

/**
 * What `read` finds in /proc, or undefined if the process is gone. A process can end between any two looks: ENOENT,
 * ESRCH and (for kernel threads) EACCES mean no more than that.
 */
export function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "code" in error && /^(ENOENT|ESRCH|EACCES)$/.test(String(error.code)))
      return undefined;
    throw error;
  }
}
