// What is built, and of which module. Several modules, because what a program requires decides the versions of everything
// else in it; most of them stand on Kubernetes' own requirements, so that they share its compiled packages.

import { goModOnKubernetes, plainGoMod } from "./goMod.ts";
import { stagingVersion, versions } from "./versions.ts";

export interface Program {
  readonly name: string;
  readonly package: string;
  /** It is the package's compiled tests. */
  readonly test?: true;
}

export interface Module {
  readonly name: string;
  readonly programs: readonly Program[];
  /** The go.mod, given Kubernetes' own. */
  readonly goMod: (kubernetesMod: string) => string;
  /** Further packages that its own main package imports; `programs` names that one by `.`. */
  readonly imports?: readonly string[];
  /** Its own main package is that of another module, without the imports whose paths begin like these. */
  readonly mainOf?: {
    readonly module: string;
    readonly version: string;
    readonly without: readonly string[];
  };
  readonly tags?: string;
  /** variable ▶ value, set when a program is linked. */
  readonly stamps: Readonly<Record<string, string>>;
}

const onKubernetes =
  (name: string, overrides?: Parameters<typeof goModOnKubernetes>[3]): Module["goMod"] =>
  (kubernetesMod) =>
    goModOnKubernetes(
      `weft.test/${name}`,
      kubernetesMod,
      { kubernetes: versions.kubernetes, staging: stagingVersion },
      overrides,
    );

const [major = "", minor = ""] = versions.kubernetes.split(".");
const kubernetesStamps = Object.fromEntries(
  ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((place) => [
    [`${place}.gitVersion`, `v${versions.kubernetes}`],
    [`${place}.gitMajor`, major],
    [`${place}.gitMinor`, minor],
    [`${place}.gitTreeState`, "clean"],
  ]),
);

const kubernetes = (name: string, path: string): Program => ({ name, package: `k8s.io/kubernetes/${path}` });

const coreDnsPlugins = [
  ...["bind", "cache", "debug", "errors", "forward", "health", "hosts", "kubernetes", "loadbalance"],
  ...["log", "loop", "metrics", "ready", "reload"],
];

export const modules: readonly Module[] = [
  {
    name: "kubernetes",
    programs: [
      kubernetes("kube-apiserver", "cmd/kube-apiserver"),
      kubernetes("kubelet", "cmd/kubelet"),
      kubernetes("kube-controller-manager", "cmd/kube-controller-manager"),
      kubernetes("kube-scheduler", "cmd/kube-scheduler"),
      kubernetes("kubectl", "cmd/kubectl"),
      { name: "etcd", package: "go.etcd.io/etcd/server/v3" },
      kubernetes("agnhost", "test/images/agnhost"),
      kubernetes("regression-issue-74839", "test/images/regression-issue-74839"),
      { name: "ginkgo", package: "github.com/onsi/ginkgo/v2/ginkgo" },
      { ...kubernetes("e2e.test", "test/e2e"), test: true },
    ],
    goMod: onKubernetes("kubernetes"),
    stamps: kubernetesStamps,
  },
  {
    name: "coredns",
    programs: [{ name: "coredns", package: "." }],
    // Without the plugins for clouds, whose software development kits are larger than all the rest.
    imports: [
      "github.com/coredns/coredns/coremain",
      ...coreDnsPlugins.map((plugin) => `github.com/coredns/coredns/plugin/${plugin}`),
    ],
    goMod: onKubernetes("coredns", { requires: { "github.com/coredns/coredns": `v${versions.coredns}` } }),
    stamps: {},
  },
  {
    name: "containerd",
    programs: ["containerd", "containerd-shim-runc-v2", "ctr"].map((name) => ({
      name,
      package: `github.com/containerd/containerd/v2/cmd/${name}`,
    })),
    goMod: onKubernetes("containerd", {
      requires: { "github.com/containerd/containerd/v2": `v${versions.containerd}` },
      replaces: { "k8s.io/cri-api": `v${versions.criApi}` },
    }),
    tags: "no_btrfs,no_zfs,no_devmapper",
    stamps: { "github.com/containerd/containerd/v2/version.Version": `v${versions.containerd}` },
  },
  {
    name: "helm",
    programs: [{ name: "helm", package: "helm.sh/helm/v4/cmd/helm" }],
    goMod: () => plainGoMod("weft.test/helm", "1.26.0", { "helm.sh/helm/v4": `v${versions.helm}` }),
    stamps: { "helm.sh/helm/v4/internal/version.version": `v${versions.helm}` },
  },
];

/** kubeadm, for a cluster that it makes. */
export const kubeadmModule: Module = {
  name: "kubeadm",
  programs: [kubernetes("kubeadm", "cmd/kubeadm")],
  goMod: onKubernetes("kubeadm"),
  stamps: kubernetesStamps,
};

const flannel = "github.com/flannel-io/flannel";
const cniPlugins = "github.com/containernetworking/plugins";

/** What a cluster has that comes from another network plugin: flannel, and kube-proxy. */
export const flannelModules: readonly Module[] = [
  {
    name: "flannel",
    programs: [
      kubernetes("kube-proxy", "cmd/kube-proxy"),
      { name: "flanneld", package: "." },
      ...["main/bridge", "ipam/host-local", "meta/portmap"].map((path) => ({
        name: path.replace(/.*\//, ""),
        package: `${cniPlugins}/plugins/${path}`,
      })),
    ],
    // Without backends that need C, a cloud's software development kit, or a kernel's modules.
    mainOf: {
      module: flannel,
      version: versions.flannel,
      without: ["alloc", "extension", "ipip", "ipsec", "tencentvpc", "udp", "wireguard"].map(
        (backend) => `${flannel}/pkg/backend/${backend}`,
      ),
    },
    goMod: onKubernetes("flannel", {
      requires: { [flannel]: `v${versions.flannel}`, [cniPlugins]: `v${versions.cniPlugins}` },
    }),
    stamps: { ...kubernetesStamps, [`${flannel}/pkg/version.Version`]: `v${versions.flannel}` },
  },
  {
    name: "flannel-plugin",
    programs: [{ name: "flannel", package: `${cniPlugins}/plugins/meta/flannel` }],
    goMod: () =>
      plainGoMod("weft.test/flannel-plugin", "1.26.0", {
        [cniPlugins]: `v${versions.cniPluginsWithFlannel}`,
        // Newer than that release has, for the version 1.0.0 of CNI.
        "github.com/containernetworking/cni": "v1.3.0",
      }),
    stamps: {},
  },
];

/** A `main.go` without the imports whose paths begin like these. */
export const withoutImports = (text: string, paths: readonly string[]): string =>
  text
    .split("\n")
    .filter((line) => !paths.some((path) => line.trimStart().startsWith(`_ "${path}`)))
    .join("\n");

/** `main.go` of a module whose program is its own main package: CoreDNS is made of the plugins that it imports. */
export const mainSource = ({ imports = [] }: Module): string =>
  [
    "package main",
    "",
    "import (",
    ...imports.map((path, index) => `\t${index === 0 ? "" : "_ "}"${path}"`),
    ")",
    "",
    "func main() { coremain.Run() }",
    "",
  ].join("\n");
