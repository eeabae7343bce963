// The programs that a sandbox needs, and the Debian package of each. Shared by `up`, which refuses to start without
// them, and by the installer.

import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import type { Datapath } from "../host.ts";

/** program -> Debian packages, with blanks between them */
export const programs: ReadonlyMap<string, string> = new Map([
  ["ip", "iproute2"],
  ["nsenter", "util-linux"],
  ["sysctl", "procps"],
  ["ethtool", "ethtool"],
  ["nft", "nftables"],
  ["conntrack", "conntrack"],
  ["ping", "iputils-ping"],
  ["openssl", "openssl"],
  ["perl", "perl-base"],
]);

/** Not needed when OVN comes from a folder. */
export const ovnPrograms: ReadonlyMap<string, string> = new Map([
  ["ovsdb-server", "openvswitch-switch"],
  ["ovs-vswitchd", "openvswitch-switch"],
  ["ovs-vsctl", "openvswitch-switch"],
  ["ovsdb-tool", "openvswitch-common"],
  ["ovs-ofctl", "openvswitch-common"],
  ["ovn-northd", "ovn-central"],
  ["ovn-controller", "ovn-host"],
  ["ovn-nbctl", "ovn-common"],
]);

/** What compiles the CNI plugin. */
export const buildPrograms: ReadonlyMap<string, string> = new Map([["gcc", "gcc libc6-dev"]]);

/** Only tests need it, so `up` does without. The package also brings the library that the program uses. */
export const testPrograms: ReadonlyMap<string, string> = new Map([["faketime", "faketime"]]);

const directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The path of `program` where the sandbox's processes look for it, or undefined. */
export function findProgram(program: string): string | undefined {
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

export function missingPrograms(wanted: ReadonlyMap<string, string>): string[] {
  return [...wanted.keys()].filter((program) => findProgram(program) === undefined);
}

export function requireRoot(): void {
  if (process.geteuid?.() !== 0)
    throw new Error("a sandbox is network namespaces of this machine and needs root; try again with sudo");
}

/** Throws an error that says what is missing and what to do about it. */
export function requireMachine(ownOvn: boolean): void {
  if (process.platform !== "linux") throw new Error(`a sandbox needs Linux, this is ${process.platform}`);
  requireRoot();
  const missing = missingPrograms(ownOvn ? new Map([...programs, ...ovnPrograms]) : programs);
  if (missing.length > 0)
    throw new Error(`not on this machine: ${missing.join(" ")}; install what is missing with: make setup`);
}

/** Throws when the machine's kernel does not have the datapath. Loading a module is left to the machine's owner. */
export function requireDatapath(datapath: Datapath): void {
  if (datapath === "kernel" && !existsSync("/sys/module/openvswitch"))
    throw new Error(
      "--datapath kernel: this kernel has no module openvswitch loaded; load it with: modprobe openvswitch; without one: make test-kernel",
    );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
