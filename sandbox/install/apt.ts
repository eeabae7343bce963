// Installs packages of another Debian release without touching the machine: a private apt with its own lists and
// caches. Packages come from the machine's own sources with the release's name replaced, and apt verifies every file by
// the archive's signature, as it does for the machine.

import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, tryRun } from "../process/run.ts";
import { findProgram } from "./requirements.ts";

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
const timeoutMs = 5 * 60_000;

/** A package, as described by the release. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** `libs`, `net`, `python` … (Debian policy, 2.4). */
  readonly section: string;
  /** Names only, with all alternatives. */
  readonly depends: readonly string[];
}

export class PrivateApt {
  readonly #env: Readonly<Record<string, string>>;

  private constructor(configuration: string) {
    this.#env = { APT_CONFIG: configuration, LANG: "C.UTF-8" };
  }

  /** An apt that knows the present state of `release`. It keeps everything in `folder`. */
  static async of(release: string, folder: string): Promise<PrivateApt> {
    if (findProgram("apt-get") === undefined) throw new Error("this machine has no apt-get");
    if (!existsSync(keyring))
      throw new Error(`${keyring} is missing; install the package debian-archive-keyring`);
    const sources = await sourcesOf(release);
    await mkdir(join(folder, "state/lists/partial"), { recursive: true });
    await mkdir(join(folder, "cache/archives/partial"), { recursive: true });
    await writeFile(join(folder, "status"), "");
    await writeFile(join(folder, "sources.list"), sources.join(""));
    await writeFile(join(folder, "apt.conf"), await configuration(folder));
    const apt = new PrivateApt(join(folder, "apt.conf"));
    // Goes on with the lists it has: somebody's extra source may lack this release. A missing package is reported
    // later.
    const { stderr } = await tryRun(["apt-get", "-qq", "update"], { env: apt.#env, timeoutMs });
    const [trouble = ""] = stderr.split("\n");
    if (!(await apt.#has("libc6")))
      throw new Error(
        `Debian's ${release} cannot be had from where this machine has its packages (${trouble || "it is not there"})`,
      );
    return apt;
  }

  /** Everything that apt would install for `names` on an empty machine, by name. */
  async closure(names: readonly string[]): Promise<ReadonlyMap<string, Package>> {
    const simulated = await this.#ask(["apt-get", "-s", "--no-install-recommends", "install", ...names]);
    const versions = new Map(
      [...simulated.matchAll(/^Inst (\S+) \((\S+) /gm)].map((m) => [m[1] ?? "", m[2] ?? ""]),
    );
    const exact = [...versions].map(([name, version]) => `${name}=${version}`);
    const shown = await this.#ask(["apt-cache", "show", ...exact]);
    const packages = shown.split("\n\n").map(parsePackage);
    return new Map(packages.filter(({ name }) => versions.has(name)).map((each) => [each.name, each]));
  }

  /** Downloads the archives of `packages` into `folder`. */
  async download(packages: readonly Package[], folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    const exact = packages.map(({ name, version }) => `${name}=${version}`);
    await run(["apt-get", "-qq", "download", ...exact], { env: this.#env, cwd: folder, timeoutMs });
  }

  async #has(name: string): Promise<boolean> {
    return /^ {2}Candidate: \d/m.test(await this.#ask(["apt-cache", "policy", name]));
  }

  #ask(argv: readonly string[]): Promise<string> {
    return run(argv, { env: this.#env });
  }
}

/** The lines of a sources.list that gets `release` from the machine's own mirror. */
async function sourcesOf(release: string): Promise<string[]> {
  const own = codename(readFileSync("/etc/os-release", "utf8"));
  if (own === undefined) throw new Error("this machine is not a Debian");
  const format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
  const targets = await run(["apt-get", "indextargets", "--format", format, "Created-By: Packages"]);
  const lines = targets.split("\n").flatMap((line) => {
    const [uri, suite = "", component] = line.split(" ");
    const found = /^(?<release>[a-z]+)(?<part>-security|-updates)?$/.exec(suite)?.groups;
    if (component !== "main" || !found || ![own, "stable", "oldstable"].includes(found["release"] ?? ""))
      return [];
    return [`deb [arch=amd64 signed-by=${keyring}] ${uri} ${release}${found["part"] ?? ""} main\n`];
  });
  if (lines.length === 0) throw new Error(`apt has no source of ${own} main on this machine`);
  return [...new Set(lines)];
}

const codename = (osRelease: string): string | undefined =>
  /^ID="?debian"?$/m.test(osRelease)
    ? /^VERSION_CODENAME="?(?<name>[a-z]+)"?$/m.exec(osRelease)?.groups?.["name"]
    : undefined;

/** Everything is private except the way to the archive (proxies, certificates, time-outs), which is the machine's. */
async function configuration(folder: string): Promise<string> {
  const machine = await run(["apt-config", "dump"]);
  const own = {
    "Dir::State": join(folder, "state"),
    "Dir::State::status": join(folder, "status"),
    "Dir::Cache": join(folder, "cache"),
    "Dir::Etc::sourcelist": join(folder, "sources.list"),
    ...Object.fromEntries(
      ["sourceparts", "main", "parts", "preferences", "preferencesparts"].map((name) => [
        `Dir::Etc::${name}`,
        "/dev/null",
      ]),
    ),
    "Acquire::Languages": "none",
    // Apt's own user may have no access to the folder. The signatures are checked regardless.
    "APT::Sandbox::User": "root",
  };
  return [
    ...machine.split("\n").filter((line) => /^Acquire::(http|https|Retries|Check-)/.test(line)),
    ...Object.entries(own).map(([key, value]) => `${key} "${value}";`),
    "",
  ].join("\n");
}

/** A paragraph of a Packages file (deb822(5)). */
export function parsePackage(paragraph: string): Package {
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, "m").exec(paragraph)?.[1] ?? "";
  const depends = [field("Pre-Depends"), field("Depends")].join(",");
  return {
    name: field("Package"),
    version: field("Version"),
    section: field("Section"),
    depends: depends.split(/[,|]/).flatMap((each) => /^\s*([a-z0-9][a-z0-9.+-]+)/.exec(each)?.[1] ?? []),
  };
}
