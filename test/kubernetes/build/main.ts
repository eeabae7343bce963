// Builds Kubernetes and what a cluster of it needs, once for a machine: programs, then images. Can be interrupted and
// repeated. `make kubernetes` and `make e2e` run it first. With the word `flannel` it also builds what a cluster has whose
// network is flannel, with the word `kubeadm` what one has that kubeadm makes.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { installPackages } from "../../../sandbox/install/packages.ts";
import { buildFlannelImages, buildImages, buildKubeadmImages } from "../images/build.ts";
import { runtimePackages } from "../node/runtime.ts";
import { buildModule } from "./compile.ts";
import { flannelModules, kubeadmModule, modules } from "./programs.ts";
import { kubernetesPrograms } from "./requirements.ts";
import { kubernetesSource } from "./source.ts";

try {
  const say = (line: string): void => console.log(`build: ${line}`);
  await installPackages(new Map([...kubernetesPrograms, ...runtimePackages]), console.log);
  const source = await kubernetesSource();
  const kubernetesMod = await readFile(join(source, "go.mod"), "utf8");
  for (const module of modules) await buildModule(module, source, kubernetesMod, say);
  await buildImages(source, say);
  if (process.argv[2] === "flannel") {
    for (const module of flannelModules) await buildModule(module, source, kubernetesMod, say);
    await buildFlannelImages(say);
  }
  if (process.argv[2] === "kubeadm") {
    await buildModule(kubeadmModule, source, kubernetesMod, say);
    await buildKubeadmImages(say);
  }
} catch (error) {
  console.error(`weft kubernetes: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
