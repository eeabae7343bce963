// `make deb`: build/weft_VERSION_amd64.deb, by dpkg-deb alone. The same input gives the same package. Last line: its path.

import { readdirSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { run } from "../../sandbox/process/run.ts";
import { addWeftFiles, nodeProgram } from "../image/weftFiles.ts";
import { controlText, maintainerScripts, textFiles } from "./contents.ts";

const checkout = join(import.meta.dirname, "../..");
const build = join(checkout, "build");
const packageSchema = v.object({ version: v.string() });

async function put(path: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await chmod(path, mode);
}

async function makeTree(root: string, version: string): Promise<void> {
  const weft = join(root, "opt/weft");
  await addWeftFiles(weft);
  await copyFile(nodeProgram, join(weft, "node"));
  for (const [path, text] of Object.entries(textFiles))
    await put(join(root, path), text, path.startsWith("usr/bin/") ? 0o755 : 0o644);
  const units = join(import.meta.dirname, "units");
  for (const unit of readdirSync(units))
    await put(join(root, "usr/lib/systemd/system", unit), await readFile(join(units, unit), "utf8"));
  const license = await readFile(join(checkout, "LICENSE"), "utf8");
  await put(join(root, "usr/share/doc/weft/copyright"), license);
  const size = Number((await run(["du", "-sk", root])).split("\t")[0]);
  await put(join(root, "DEBIAN/control"), controlText(version, size));
  for (const [name, text] of Object.entries(maintainerScripts))
    await put(join(root, "DEBIAN", name), text, 0o755);
}

try {
  await mkdir(build, { recursive: true });
  const { version } = v.parse(
    packageSchema,
    JSON.parse(await readFile(join(checkout, "package.json"), "utf8")),
  );
  const scratch = await mkdtemp(join(build, "deb."));
  try {
    await chmod(scratch, 0o755);
    await makeTree(scratch, version);
    const file = join(build, `weft_${version}_amd64.deb`);
    await run(["dpkg-deb", "--root-owner-group", "-Zzstd", "--build", scratch, file], {
      env: { SOURCE_DATE_EPOCH: "0" },
      timeoutMs: 5 * 60_000,
    });
    console.log(`deb: try it with: make deb-test\n${file}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
} catch (error) {
  console.error(`weft deb: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
