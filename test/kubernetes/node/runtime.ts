// Which containerd the nodes run: the one that is built from its Go module, or with CONTAINERD=debian the machine's own package
// (1.6 in Debian 12). Each has its own programs, which do not understand each other's.

import { programFolder } from "../build/versions.ts";

const choice = process.env["CONTAINERD"] || "built";
if (choice !== "built" && choice !== "debian") throw new Error(`CONTAINERD=${choice}: built or debian`);

export const isDebians = choice === "debian";

/** Of containerd, its shim and ctr. */
export const runtimeFolder = isDebians ? "/usr/bin" : programFolder;

/** Every node of Debian's has it in its folder of plugins, because containerd 1.6 calls it for each pod. */
export const loopbackPlugin = "/usr/lib/cni/loopback";

/** program -> Debian packages */
export const runtimePackages: ReadonlyMap<string, string> = new Map(
  isDebians ? [["containerd", "containerd containernetworking-plugins"]] : [],
);
