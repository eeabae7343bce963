// Builds Kubernetes and what a cluster of it needs, once for a machine: programs, then images. Can be interrupted and
// repeated. `make kubernetes` and `make e2e` run it first.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { installPackages } from "../../../sandbox/install/packages.ts";
import { buildImages } from "../images/build.ts";
import { runtimePackages } from "../node/runtime.ts";
import { buildModule } from "./compile.ts";
import { modules } from "./programs.ts";
import { kubernetesPrograms } from "./requirements.ts";
import { kubernetesSource } from "./source.ts";

try {
  const say = (line: string): void => console.log(`build: ${line}`);
  await installPackages(new Map([...kubernetesPrograms, ...runtimePackages]), console.log);
  const source = await kubernetesSource();
  const kubernetesMod = await readFile(join(source, "go.mod"), "utf8");
  for (const module of modules) await buildModule(module, source, kubernetesMod, say);
  await buildImages(source, say);
} catch (error) {
  console.error(`weft kubernetes: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
