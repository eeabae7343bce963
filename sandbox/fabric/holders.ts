// Finds what keeps a nameless network namespace alive: a process in it, or a process with an open file of it. Mounts do
// not, in any mount namespace: removing the name undoes them all.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { unlessGone } from "../process/procfs.ts";

export interface Holder {
  readonly pid: number;
  readonly command: string;
}

/** The processes, except this one, that hold one of these namespaces (inode numbers of nsfs). */
export function holdersOf(inodes: ReadonlySet<number>): readonly Holder[] {
  if (inodes.size === 0) return [];
  const { dev } = statSync("/proc/self/ns/net");
  const isOne = (path: string): boolean => {
    const file = unlessGone(() => statSync(path));
    return file?.dev === dev && inodes.has(file.ino);
  };
  const hasOpen = (pid: string): boolean =>
    (unlessGone(() => readdirSync(`/proc/${pid}/fd`)) ?? []).some((fd) => isOne(`/proc/${pid}/fd/${fd}`));
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .filter((pid) => isOne(`/proc/${pid}/ns/net`) || hasOpen(pid))
    .map((pid) => ({ pid: Number(pid), command: commandOf(pid) }));
}

const commandOf = (pid: string): string =>
  (unlessGone(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")) ?? "").replaceAll("\0", " ").trim();
