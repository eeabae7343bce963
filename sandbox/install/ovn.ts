// OVN and Open vSwitch of Debian 13, for a machine whose own are older: takes programs, the libraries they are linked
// with, and schemas from Debian's packages into a folder below build/. A sandbox needs nothing else of the packages: no
// Python, systemd, manuals or configuration.

import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { chosenFolder, isAtLeast, machineVersion, newer, newerFolder } from "../ovn/choice.ts";
import { loading, programsIn, requireOvn, writeWrappers } from "../ovn/folder.ts";
import { run } from "../process/run.ts";
import { type Package, PrivateApt } from "./apt.ts";

const release = "trixie";
const roots = ["ovn-central", "ovn-host", "openvswitch-switch"];
const kept = [
  "usr/{bin,sbin,lib/openvswitch-switch}/ov*",
  "{usr/lib,lib}/x86_64-linux-gnu/*.so*",
  "usr/share/{ovn,openvswitch}/*.ovsschema",
];

/** A file in the folder that lists the packages it was made from. */
const label = join(newerFolder, "packages");
const recipe = createHash("sha256")
  .update(readFileSync(import.meta.filename))
  .digest("hex");

/** Makes sure that `chosenFolder` finds what is chosen. */
export async function installOvn(say: (line: string) => void): Promise<void> {
  const choice = process.env["WEFT_OVN"];
  const own = machineVersion();
  if (choice === "host" || (!choice && own !== undefined && isAtLeast(own, newer.openVSwitch)))
    return say(`OVN: the machine's own, with Open vSwitch ${own}`);
  if (choice) return say(`OVN: ${chosenFolder(choice)}`);
  if (existsSync(label) && readFileSync(label, "utf8").startsWith(recipe)) return say(`OVN: ${newerFolder}`);
  say(
    `OVN: the machine's Open vSwitch is ${own}; unpacking OVN ${newer.ovn} and Open vSwitch ${newer.openVSwitch} of Debian's ${release} into ${newerFolder}`,
  );
  try {
    await unpack();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`no OVN ${newer.ovn}: ${why}; use the machine's own with: OVN=host`, { cause });
  }
}

async function unpack(): Promise<void> {
  mkdirSync(dirname(newerFolder), { recursive: true });
  const scratch = mkdtempSync(`${newerFolder}.`);
  try {
    const [root, folder] = [join(scratch, "root"), join(scratch, "folder")];
    const apt = await PrivateApt.of(release, join(scratch, "apt"));
    const packages = linkedWith(roots, await apt.closure(roots));
    await apt.download(packages, join(scratch, "archives"));
    for (const archive of globSync(join(scratch, "archives/*.deb")))
      await run(["dpkg-deb", "-x", archive, root]);
    for (const file of globSync(kept, { cwd: root })) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      renameSync(join(root, file), join(folder, file));
    }
    const versions = packages.map(({ name, version }) => `${name} ${version}\n`);
    writeFileSync(join(folder, "packages"), `${recipe}\n${versions.join("")}`);
    await requireWhole(folder);
    rmSync(newerFolder, { recursive: true, force: true });
    renameSync(folder, newerFolder);
    writeWrappers(newerFolder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** `names`, their dependencies within OVN and Open vSwitch, and the libraries of all of these. */
export function linkedWith(names: readonly string[], all: ReadonlyMap<string, Package>): readonly Package[] {
  const wanted = new Set(names);
  for (const name of wanted)
    for (const next of all.get(name)?.depends ?? [])
      if (all.get(next)?.section === "libs" || /^(ovn|openvswitch)-/.test(next)) wanted.add(next);
  return [...wanted].flatMap((name) => all.get(name) ?? []);
}

/** Checks that every program finds all its libraries in the folder, starts, and has the right version. */
async function requireWhole(folder: string): Promise<void> {
  requireOvn(folder);
  for (const [name, program] of programsIn(folder)) {
    const [loader = "", ...options] = loading(folder, name, program);
    const libraries = await run([loader, "--list", ...options]);
    const foreign = libraries
      .split("\n")
      .filter((line) => line.includes("=>") && !line.includes(` => ${folder}/`));
    if (foreign.length > 0) throw new Error(`${name} lacks libraries:${foreign.join("")}`);
    const [version = ""] = (await run([loader, ...options, "--version"])).split("\n");
    const meant = name.startsWith("ovn") ? newer.ovn : newer.openVSwitch;
    if (!version.includes(` ${meant}.`)) throw new Error(`${name} is another version: ${version}`);
  }
}
