// How to recognise kube-proxy and other network plugins: names of their interfaces, nftables and iptables chains,
// DaemonSets. From their documentation and sources; only names that nobody else uses.

export interface Other {
  readonly name: string;
  readonly daemonSets: RegExp;
  readonly links?: RegExp;
  readonly tables?: RegExp;
  readonly chains?: RegExp;
}

export const kubeProxy: Other = {
  name: "kube-proxy",
  daemonSets: /^kube-proxy/,
  links: /^kube-ipvs0$/,
  tables: /^kube-proxy$/,
  // Not KUBE-FIREWALL and KUBE-KUBELET-CANARY, which are the kubelet's.
  chains: /^KUBE-(SERVICES|NODEPORTS|SVC-|SEP-|EXTERNAL-SERVICES)/,
};

export const otherPlugins: readonly Other[] = [
  {
    name: "flannel",
    daemonSets: /^kube-flannel/,
    links: /^(flannel[.-]\S+|cni0)$/,
    tables: /^flannel-/,
    chains: /^FLANNEL-/,
  },
  {
    name: "Calico",
    daemonSets: /^(calico-node|canal)$/,
    links: /^(cali[0-9a-f]{11}|vxlan\.calico)$/,
    tables: /^calico$/,
    chains: /^cali-/,
  },
  {
    name: "Cilium",
    daemonSets: /^cilium(-envoy)?$/,
    links: /^(cilium_(host|net|vxlan|geneve)|lxc[0-9a-f]{12})$/,
    chains: /^(OLD_)?CILIUM_/,
  },
  { name: "kindnet", daemonSets: /^kindnet/, tables: /^kindnet/, chains: /^KIND-MASQ-AGENT$/ },
  { name: "Weave Net", daemonSets: /^weave-net$/, links: /^weave$/, chains: /^WEAVE/ },
  { name: "Antrea", daemonSets: /^antrea-agent$/, links: /^antrea-gw\d$/, chains: /^ANTREA-/ },
  {
    name: "OVN-Kubernetes",
    daemonSets: /^(ovnkube-node|ovs-node)$/,
    links: /^ovn-k8s-(mp|gw)\d+$/,
    tables: /^ovn-kubernetes$/,
    chains: /^OVN-KUBE-/,
  },
  { name: "Kube-OVN", daemonSets: /^(kube-ovn-cni|ovs-ovn)$/, links: /^ovn0$/ },
  { name: "kube-router", daemonSets: /^kube-router$/, links: /^kube-bridge$/, chains: /^KUBE-ROUTER-/ },
];

/** The traces of `other` on a node, each as an operator would look for it. */
export const tracesOf = (other: Other, found: Traces): readonly string[] => [
  ...found.links.filter((name) => other.links?.test(name)).map((name) => `interface ${name}`),
  ...found.tables.filter((name) => other.tables?.test(name)).map((name) => `nftables table ${name}`),
  ...found.chains.filter((name) => other.chains?.test(name)).map((name) => `chain ${name}`),
];

/** The names on a node. */
export interface Traces {
  readonly links: readonly string[];
  readonly tables: readonly string[];
  readonly chains: readonly string[];
}
