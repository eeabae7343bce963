// The specs that are known not to pass, each with its reason. They are run all the same, and one that passes fails the
// run, so this list never says less than the truth; only what could not end here is not tried.

import type { Family } from "../../../src/model/ip.ts";
import type { Installation } from "../install/installation.ts";
import type { Excuse } from "./verdict.ts";

/** Those that hold where the nodes are what `mode` says and have addresses of `families`. */
export const excusesIn = (mode: Installation["mode"], families: readonly Family[]): readonly Excuse[] => [
  ...(families.length === 1 ? ofOneFamily : []),
  ...everywhere,
  ...(mode === "underlay" ? inUnderlay : []),
];

const ofOneFamily: readonly Excuse[] = [
  {
    specs: /\[Feature:IPv6DualStack\]/,
    cause: "environment",
    reason: "this cluster has addresses of one family",
    isTried: false,
  },
];

const everywhere: readonly Excuse[] = [
  {
    specs: /\[Feature:LoadBalancer\]/,
    cause: "environment",
    reason:
      "the cluster of `make e2e` has no IPAddressPool, and this machine no route to one; each spec waits ten minutes for an address",
    isTried: false,
  },
  {
    specs: /\[Feature:SCTPConnectivity\]/,
    cause: "environment",
    reason: "the kernel of the machines where this runs has no SCTP, and its servers never start",
    isTried: false,
  },
  {
    specs: /\[Feature:PerformanceDNS\]/,
    cause: "environment",
    reason: "it makes 10,000 Services, one after the other",
    isTried: false,
  },
  {
    specs: /\[Feature:Networking-(IPv4|IPv6|DNS)\]|forward PTR records lookup/,
    cause: "environment",
    reason: "there is no Internet; the sandbox's outside host is all there is beyond the cluster",
  },
  {
    specs:
      /Networking Granular Checks: Services.* handle large requests: udp|service endpoints using hostNetwork/,
    cause: "environment",
    reason:
      "the userspace datapath of Open vSwitch drops fragmented UDP to a Service (the second's last step)",
  },
  {
    specs: /\[Feature:Networking-Performance\]/,
    cause: "environment",
    reason: "Debian's iperf prints 9 columns, and the spec wants the 17 of another version",
  },
  {
    specs: /rejected for evicted pods/,
    cause: "environment",
    reason: "nodes share a disk, so their kubelets do not limit what pods use of it and evict nobody for it",
  },
  {
    specs: /check kube-proxy urls|\[sig-network\] KubeProxy /,
    cause: "environment",
    reason: "there is no kube-proxy: Weft serves Services itself",
  },
  {
    specs: /serve on different Service CIDRs/,
    cause: "not served",
    reason:
      "nodes' own processes and node ports do not reach Services in further ranges, and while it runs other specs' Services get addresses there",
    isTried: false,
  },
  {
    specs: /\[Feature:LocalhostNodePorts\]/,
    cause: "not served",
    reason: "node ports on 127.0.0.1, as with kube-proxy's nftables mode",
  },
];

const inUnderlay: readonly Excuse[] = [];
