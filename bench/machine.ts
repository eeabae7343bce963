// What a run was measured on.

import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { ovnEnvironment } from "../test/real/ovn.ts";

export const machine = () => ({
  cores: cpus().length,
  model: cpus()[0]?.model,
  memoryBytes: totalmem(),
  node: process.version,
  ovn: versionOf("ovn-northd"),
  openVSwitch: versionOf("ovs-vswitchd"),
});

/** As the program that runs in sandboxes says it: `25.03.1`. */
function versionOf(program: string): string {
  const text = execFileSync(program, ["--version"], { encoding: "utf8", env: ovnEnvironment });
  const version = /\d+\.\d+\.\d+/.exec(text)?.[0];
  if (version === undefined) throw new Error(`${program} --version says no version: ${text}`);
  return version;
}
