// The processes of a node: containerd and the kubelet, in the node's network and mount namespace, with default paths.

import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { hostEnvironment } from "../../../sandbox/environment.ts";
import type { ProcessSpec } from "../../../sandbox/process/record.ts";
import { programFolder } from "../build/versions.ts";
import { wordsOf } from "../cluster/controlPlane.ts";
import type { NodePlaces, Places } from "../cluster/places.ts";
import { containerdConfig } from "./containerdConfig.ts";
import { kubeletConfig } from "./kubeletConfig.ts";
import { inMounts } from "./namespace.ts";
import { isDebians, loopbackPlugin, runtimeFolder } from "./runtime.ts";

export async function writeConfigurations(places: Places, node: NodePlaces): Promise<void> {
  await mkdir(node.directory, { recursive: true });
  await writeFile(join(node.directory, "containerd.toml"), containerdConfig);
  await writeFile(join(node.directory, "kubelet.yaml"), kubeletConfig(places, node));
  if (!isDebians) return;
  const plugins = join(node.directory, "root/opt/cni/bin");
  await mkdir(plugins, { recursive: true });
  await copyFile(loopbackPlugin, join(plugins, basename(loopbackPlugin)));
}

export const containerdProcess = (places: Places, node: NodePlaces): ProcessSpec =>
  onNode(places, node, "containerd", [
    join(runtimeFolder, "containerd"),
    `--config=${join(node.directory, "containerd.toml")}`,
  ]);

export const kubeletProcess = (places: Places, node: NodePlaces): ProcessSpec =>
  onNode(places, node, "kubelet", [
    join(programFolder, "kubelet"),
    ...wordsOf({
      config: join(node.directory, "kubelet.yaml"),
      kubeconfig: node.kubeconfig,
      "hostname-override": node.host.name,
      "node-ip": node.addresses.join(),
      v: "2",
    }),
  ]);

export function onNode(
  places: Places,
  node: NodePlaces,
  program: string,
  argv: readonly string[],
): ProcessSpec {
  const { PATH, ...env } = hostEnvironment(places.layout, node.host);
  return {
    name: `${node.host.name}-${program}`,
    netns: node.host.netns,
    argv: [...inMounts(node, argv)],
    // Nobody is to ask a cloud that is not there what this machine is.
    env: { ...env, PATH: `${runtimeFolder}:${programFolder}:${PATH}`, AWS_EC2_METADATA_DISABLED: "true" },
  };
}
