// Which Open vSwitch and OVN a sandbox, a test or a bench runs. `WEFT_OVN` chooses for all of them (`make … OVN=…`):
// `host` is the machine's own, anything else a folder. By default the newer one runs, because the userspace connection
// tracking of Open vSwitch before 3.5 dies of ordinary traffic.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { findProgram } from "../install/requirements.ts";
import { requireOvn, wrappersOf } from "./folder.ts";

/** What `make setup` installs where the machine's own is older. */
export const newer = { openVSwitch: "3.5", ovn: "25.03" } as const;
export const newerFolder = join(import.meta.dirname, `../../build/ovn-${newer.ovn}-ovs-${newer.openVSwitch}`);

/** The folder whose OVN runs, or undefined for the machine's own. Throws when the chosen folder does not exist. */
export function chosenFolder(choice = process.env["WEFT_OVN"]): string | undefined {
  if (choice === "host") return undefined;
  if (choice !== undefined && choice !== "") {
    requireOvn(choice);
    return resolve(choice);
  }
  const own = machineVersion();
  if (own !== undefined && isAtLeast(own, newer.openVSwitch)) return undefined;
  if (existsSync(newerFolder)) return newerFolder;
  throw new Error(
    `Open vSwitch ${newer.openVSwitch} is not here (the machine's own is ${own ?? "missing"}); get it with: make setup; or use the machine's own: OVN=host with make, WEFT_OVN=host without`,
  );
}

/** The version of the machine's own Open vSwitch, `3.1.0`; undefined when it has none. */
export function machineVersion(): string | undefined {
  const program = findProgram("ovs-vswitchd");
  if (program === undefined) return undefined;
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return /\d+\.\d+\.\d+/.exec(stdout)?.[0];
}

/** Compares `3.10.1` with `3.5` number by number. */
export function isAtLeast(version: string, least: string): boolean {
  const [numbers, wanted] = [version, least].map((text) => text.split(".").map(Number));
  for (const [index, number] of (wanted ?? []).entries()) {
    const own = numbers?.[index] ?? 0;
    if (own !== number) return own > number;
  }
  return true;
}

/** A PATH that finds the programs of `folder`, or the machine's own, by name. */
export const searchPath = (folder: string | undefined, path: string): string =>
  folder === undefined ? path : `${wrappersOf(folder)}:${path}`;

/** The path of a schema (`ovn/ovn-nb`, `openvswitch/vswitch`) of the OVN that runs. */
export const schemaFile = (folder: string | undefined, name: string): string =>
  join(folder ?? "/", "usr/share", `${name}.ovsschema`);
