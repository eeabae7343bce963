// What one test run could leave on the machine: namespaces, links in the root namespace, run directories, files and
// processes. Other runs may be in progress, so only its own are listed: by the run's tag, which is part of all names,
// or by its folder.

import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { downSandbox } from "../sandbox/down.ts";
import { run } from "../sandbox/process/run.ts";
import { ownSuffix } from "./real/privateName.ts";

const sandboxes = "/run/weft-sandbox";
const namespaces = "/run/netns";

export interface TestRun {
  /** Part of every name: see real/privateName.ts. */
  readonly tag: string;
  /** Holds the TMPDIR of each try of a file, which is gone once the try is over and has left nothing in it. */
  readonly folder: string;
}

/** Everything that `run` has left behind, each with its kind: `process 812 ovsdb-server …`. */
export function leftovers({ tag, folder }: TestRun): readonly string[] {
  return [
    ...named(namespaces, tag).map((name) => `namespace ${name}`),
    ...named(sandboxes, tag).map((name) => `sandbox ${name}`),
    // A pod's end of a link is never in the root namespace: all nodes have their own.
    ...entries("/sys/class/net")
      .filter((name) => name.includes(tag) || /^w[0-9a-f]{14}$/.test(name))
      .map((name) => `link ${name}`),
    ...entries(folder).flatMap((attempt) => files(`${folder}/${attempt}`)),
    ...processes(tag, folder).map(({ pid, line }) => `process ${pid} ${line}`),
  ];
}

/** Removes the TMPDIR of a try, unless something is in it. */
export function removeIfEmpty(folder: string): void {
  if (files(folder).length === 0) rmSync(folder, { recursive: true });
}

/**
 * Ends and removes what a failed try has left of its TMPDIR: the servers that were started in it, then its files.
 * Returns what there was.
 */
export function removeLeft(folder: string): readonly string[] {
  const running = processes(folder, folder);
  const left = [...files(folder), ...running.map(({ pid, line }) => `process ${pid} ${line}`)];
  for (const { pid } of running) unlessGone(() => process.kill(pid, "SIGKILL"), true);
  rmSync(folder, { recursive: true });
  return left;
}

/** Takes down the sandboxes and namespaces of a test process that was ended, and returns their names. */
export async function takeDown(tag: string, pid: number): Promise<readonly string[]> {
  const own = (place: string): string[] =>
    entries(place).filter((name) => name.endsWith(ownSuffix(tag, pid)));
  const left = own(sandboxes);
  // A cloud can only go after the sandboxes that run in it.
  for (let tries = 0; tries < 2; tries++)
    for (const name of own(sandboxes)) await downSandbox(name, sandboxes).catch(() => undefined);
  const bare = own(namespaces);
  for (const name of bare) await run(["ip", "netns", "delete", name]).catch(() => undefined);
  return [...left.map((name) => `sandbox ${name}`), ...bare.map((name) => `namespace ${name}`)];
}

/** npm keeps compiled code in TMPDIR, which is not counted. */
const files = (folder: string): string[] =>
  entries(folder)
    .filter((name) => name !== "node-compile-cache")
    .map((name) => `file ${folder}/${name}`);

function processes(tag: string, folder: string): { readonly pid: number; readonly line: string }[] {
  const named = new Set([
    inode("/proc/self/ns/net"),
    ...entries(namespaces).map((name) => inode(`${namespaces}/${name}`)),
  ]);
  return entries("/proc")
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .flatMap((pid) => {
      const line = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
      const program = line.split(" ")[0]?.split("/").at(-1);
      // A server in a pod does not show whose it is. But while its pod exists, its namespace has a name.
      const isHomeless = program === "perl" && !named.has(inode(`/proc/${pid}/ns/net`));
      return line.includes(tag) || line.includes(folder) || isHomeless ? [{ pid: Number(pid), line }] : [];
    });
}

const named = (place: string, tag: string): string[] => entries(place).filter((name) => name.includes(tag));

const entries = (place: string): string[] => unlessGone(() => readdirSync(place), []);
const read = (file: string): string => unlessGone(() => readFileSync(file, "utf8"), "");

/** The inode of a namespace, from its file or a process's link to it. */
const inode = (path: string): string =>
  path.startsWith("/proc")
    ? unlessGone(() => readlinkSync(path).replace(/\D/g, ""), "")
    : unlessGone(() => String(statSync(path).ino), "");

/** Absent: it does not exist on this machine, or it ended between the listing and the look. */
function unlessGone<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
