// Which Kubernetes, and what belongs to it. All of it is built from Go modules, whose sums Go checks against its checksum
// database. To move to another release, change the numbers here and run `make kubernetes`.

import { homedir } from "node:os";
import { join } from "node:path";

export const versions = {
  kubernetes: "1.37.2",
  /** The last that needs no dependency newer than Kubernetes has, so everything below it is compiled only once. */
  coredns: "1.14.0",
  containerd: "2.3.5",
  /** containerd's CRI API. That of Kubernetes 1.37 has other names for signals, and containerd 2.3 does not compile with it. */
  criApi: "0.36.3",
  helm: "4.3.1",
  /** The last that needs no dependency newer than Kubernetes has. */
  flannel: "0.28.4",
  cniPlugins: "1.9.1",
  /** The last of the same module that still had flannel's plugin. It has a module of its own since, with the same code. */
  cniPluginsWithFlannel: "0.9.1",
} as const;

/** The staging modules of Kubernetes 1.X.Y (k8s.io/api, k8s.io/client-go …) have the version 0.X.Y. */
export const stagingVersion = versions.kubernetes.replace(/^1\./, "0.");

/** Survives `make clean`, because what is in it takes half an hour to make. */
export const cacheFolder = join(
  process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
  `weft/kubernetes-${versions.kubernetes}`,
);
export const programFolder = join(cacheFolder, "bin");
