// Installs Debian packages for the programs that are missing, and only for those. Nothing else changes on the machine:
// the daemons of openvswitch-switch, ovn-central and ovn-host are not started, neither now nor at the next boot,
// because the sandbox starts its own in namespaces.

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { run, tryRun } from "../process/run.ts";
import { findProgram, missingPrograms } from "./requirements.ts";

const installMs = 15 * 60_000;

/** Maintainer scripts ask it before they start a service; exit status 101 means "do not" (policy-rc.d, Debian). */
const policyFile = "/usr/sbin/policy-rc.d";
const asideFile = `${policyFile}.before-weft`;
const policy = "#!/bin/sh\n# Put here by weft while it installs packages.\nexit 101\n";

/** Installs what is missing of `wanted`: program -> Debian packages. */
export async function installPackages(
  wanted: ReadonlyMap<string, string>,
  say: (line: string) => void,
): Promise<void> {
  const missing = missingPrograms(wanted);
  if (missing.length === 0) return say("Debian packages: nothing is missing");
  const packages = [...new Set(missing.flatMap((program) => wanted.get(program)?.split(" ") ?? []))];
  if (findProgram("apt-get") === undefined)
    throw new Error(
      `not on this machine: ${missing.join(" ")}; it has no apt-get, so install by hand what has them (on Debian: ${packages.join(" ")})`,
    );
  if (process.geteuid?.() !== 0)
    throw new Error(`${packages.join(" ")} must be installed and that needs root; try again with sudo`);
  say(`Debian packages: installing ${packages.join(" ")} (for ${missing.join(" ")})`);
  await withoutServices(() => aptInstall(packages, say));
  const still = missingPrograms(wanted);
  if (still.length > 0)
    throw new Error(`installed ${packages.join(" ")}, but ${still.join(" ")} is still not there`);
}

/** Fetches the package lists only if installing fails without, as on a machine that has none yet. */
async function aptInstall(packages: readonly string[], say: (line: string) => void): Promise<void> {
  const apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"];
  const options = { env: { DEBIAN_FRONTEND: "noninteractive" }, timeoutMs: installMs };
  const install = [...apt, "install", "-y", "--no-install-recommends", ...packages];
  const unitsBefore = await serviceUnits();
  if ((await tryRun(install, options)).status !== 0) {
    say("Debian packages: apt-get update");
    await run([...apt, "update"], options);
    await run(install, options);
  }
  const added = (await serviceUnits()).filter((unit) => !unitsBefore.includes(unit));
  if (added.length > 0 && findProgram("systemctl") !== undefined)
    await run(["systemctl", "disable", "--quiet", ...added]);
}

/** The systemd services that the packages have brought, whether or not systemd runs here. */
async function serviceUnits(): Promise<string[]> {
  const find = "find /lib/systemd/system/ -name '*.service' -printf '%f\\n' 2>/dev/null || true";
  return (await run(["sh", "-c", find]))
    .split("\n")
    .filter((unit) => /^(openvswitch|ovs|ovsdb|ovn|nftables)/.test(unit));
}

/** Sets the machine's own policy aside meanwhile, even one that an earlier, killed run has left aside. */
async function withoutServices(install: () => Promise<void>): Promise<void> {
  const ours = existsSync(policyFile) && readFileSync(policyFile, "utf8") === policy;
  if (existsSync(policyFile) && !ours) renameSync(policyFile, asideFile);
  writeFileSync(policyFile, policy, { mode: 0o755 });
  try {
    await install();
  } finally {
    if (existsSync(asideFile)) renameSync(asideFile, policyFile);
    else rmSync(policyFile);
  }
}
