// The images of a cluster whose network is flannel, by the names that flannel's own manifest and kubeadm's kube-proxy have.

import { globSync } from "node:fs";
import { join } from "node:path";
import { programFolder, versions } from "../build/versions.ts";
import type { Image } from "./images.ts";

const built = (name: string): string => join(programFolder, name);

/** What iptables loads for each match and target, in the folder of Debian. */
const extensions = (): readonly string[] => globSync("/usr/lib/*/xtables/*.so");

export const kubeProxyImage = `registry.k8s.io/kube-proxy:v${versions.kubernetes}`;

export const flannelImages: readonly Image[] = [
  {
    name: "flannel",
    references: [`ghcr.io/flannel-io/flannel:v${versions.flannel}`],
    entrypoint: ["/opt/bin/flanneld"],
    command: [],
    // With nftables it calls iptables to take away rules of its other mode.
    programs: ["ip", "nft", "iptables", "ip6tables"],
    busybox: true,
    files: {
      "/opt/bin/flanneld": built("flanneld"),
      ...Object.fromEntries(extensions().map((file) => [file, file])),
    },
  },
  {
    name: "flannel-cni-plugin",
    references: ["ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel1"],
    entrypoint: [],
    command: [],
    programs: [],
    busybox: true,
    files: { "/flannel": built("flannel") },
  },
  {
    name: "kube-proxy",
    references: [kubeProxyImage],
    entrypoint: [],
    command: ["/usr/local/bin/kube-proxy"],
    programs: ["nft"],
    busybox: true,
    files: { "/usr/local/bin/kube-proxy": built("kube-proxy") },
  },
];
