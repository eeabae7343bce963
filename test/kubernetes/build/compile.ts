// Compiles a module's packages and links its programs. Go's cache keeps each package as soon as it is compiled, so a
// build that was interrupted goes on where it ended; how much is left, Go itself says before.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { run } from "../../../sandbox/process/run.ts";
import { type Module, mainSource, type Program, withoutImports } from "./programs.ts";
import { moduleSource } from "./source.ts";
import { cacheFolder, programFolder } from "./versions.ts";

type Say = (line: string) => void;

const reportMs = 20_000;
const linkMs = 30 * 60_000;
/** Static programs, which run on any machine and in any image; and the same flags for all, or Go compiles all again. */
const env = { CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false -mod=mod" };
const flags = ["-trimpath"];

/** Builds the programs of `module` that are not there yet. `source` is the folder of Kubernetes' published module. */
export async function buildModule(
  module: Module,
  source: string,
  kubernetesMod: string,
  say: Say,
): Promise<void> {
  const goMod = module.goMod(kubernetesMod);
  const folder = join(cacheFolder, "modules", `${module.name}-${digest(module, goMod)}`);
  const file = ({ name }: Program): string => join(folder, "bin", name);
  const missing = module.programs.filter((program) => !existsSync(file(program)));
  if (missing.length > 0) {
    await mkdir(join(folder, "bin"), { recursive: true });
    await writeFile(join(folder, "go.mod"), goMod);
    // Kubernetes' sums. Go adds those of what it does not have, and checks all against its checksum database.
    await copyFile(join(source, "go.sum"), join(folder, "go.sum"));
    const main = await mainOf(module);
    if (main !== undefined) await writeFile(join(folder, "main.go"), main);
    await compile(module, missing, folder, say);
    for (const program of missing) {
      const started = performance.now();
      await link(module, program, folder, file(program));
      say(`${program.name}: linked in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    }
  }
  await mkdir(programFolder, { recursive: true });
  for (const program of module.programs) await pointTo(file(program), join(programFolder, program.name));
}

/** The `main.go` of a module whose program is its own main package. */
async function mainOf(module: Module): Promise<string | undefined> {
  if (module.imports) return mainSource(module);
  if (!module.mainOf) return undefined;
  const source = await moduleSource(module.mainOf.module, module.mainOf.version);
  return withoutImports(await readFile(join(source, "main.go"), "utf8"), module.mainOf.without);
}

/** Changes with everything that decides what comes out. */
const digest = ({ programs, imports, mainOf, tags, stamps }: Module, goMod: string): string =>
  createHash("sha256")
    .update(JSON.stringify([programs, mainOf ?? imports, tags, stamps, goMod, flags, env]))
    .digest("hex")
    .slice(0, 8);

const go = (command: string, { tags }: Module): string[] => [
  ...["nice", "-n", "19", "go", command, ...flags],
  ...(tags === undefined ? [] : ["-tags", tags]),
];

async function compile(
  module: Module,
  programs: readonly Program[],
  folder: string,
  say: Say,
): Promise<void> {
  say(`${module.name}: looking up what is compiled already`);
  const format = "{{.ImportPath}}\t{{.Name}}\t{{.Stale}}";
  const listed: string[] = [];
  for (const test of [false, true]) {
    const packages = programs
      .filter((program) => (program.test ?? false) === test)
      .map((each) => each.package);
    if (packages.length === 0) continue;
    const argv = [...go("list", module), "-deps", ...(test ? ["-test"] : []), "-f", format, ...packages];
    listed.push(await run(argv, { cwd: folder, env, timeoutMs: linkMs }));
  }
  const stale = stalePackages(listed.join("\n"));
  if (stale.length === 0) return;
  const started = performance.now();
  let compiled = 0;
  const report = (): void =>
    say(
      `${module.name}: ${compiled} of ${stale.length} packages compiled, ${((performance.now() - started) / 60_000).toFixed(1)} min`,
    );
  report();
  const timer = setInterval(report, reportMs);
  try {
    const trouble = await lines([...go("build", module), "-v", ...stale], folder, () => compiled++);
    if (trouble !== undefined) throw new Error(`${module.name}: go build failed in ${folder}:\n${trouble}`);
  } finally {
    clearInterval(timer);
  }
  report();
}

/**
 * The packages still to be compiled, of what `go list -deps` prints: path, name, whether it is stale. Programs are
 * linked later, and a package compiled for its tests (`path [path.test]`) belongs to the program of these.
 */
export function stalePackages(listed: string): readonly string[] {
  const rows = listed.split("\n").map((line) => line.split("\t"));
  const stale = rows.filter(
    ([path = "", name, isStale]) => isStale === "true" && name !== "main" && !path.includes(" "),
  );
  return [...new Set(stale.map(([path = ""]) => path))].toSorted();
}

/** Runs `argv` and counts the packages it names (a path alone on a line). Returns the rest of what it said if it fails. */
async function lines(argv: readonly string[], cwd: string, count: () => void): Promise<string | undefined> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "pipe"],
  });
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr }))
    if (/^[\w./~-]+$/.test(line)) count();
    else if (!line.startsWith("go: downloading")) said.push(line);
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode === 0 ? undefined : said.slice(-30).join("\n");
}

async function link(module: Module, program: Program, folder: string, file: string): Promise<void> {
  const stamps = Object.entries(module.stamps).map(([variable, value]) => `-X ${variable}=${value}`);
  const fresh = `${file}.${process.pid}`;
  // Without -vet=off, `go test -c` examines all packages below, which takes longer than the build.
  const command = program.test ? [...go("test", module), "-c", "-vet=off"] : go("build", module);
  await run([...command, "-ldflags", ["-s -w", ...stamps].join(" "), "-o", fresh, program.package], {
    cwd: folder,
    env,
    timeoutMs: linkMs,
  });
  await rename(fresh, file);
}

async function pointTo(target: string, path: string): Promise<void> {
  const fresh = `${path}.${process.pid}`;
  await rm(fresh, { force: true });
  await symlink(target, fresh);
  await rename(fresh, path);
}
