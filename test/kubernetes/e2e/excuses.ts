// The specs that are known not to pass, each with its reason. They are run all the same, and one that passes fails the
// run, so this list never says less than the truth; only what could not end here is not tried.

import type { Excuse } from "./verdict.ts";

export const excuses: readonly Excuse[] = [
  {
    specs: /\[Feature:LoadBalancer\]/,
    cause: "not served",
    reason: "LoadBalancer: nobody gives a Service an address, and each spec waits ten minutes for one",
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
    specs: /\[Feature:Networking-(IPv4|IPv6|DNS)\]/,
    cause: "environment",
    reason: "there is no Internet; the sandbox's outside host is all there is beyond the cluster",
  },
  {
    specs: /Service[s:].* handle large requests: udp/,
    cause: "environment",
    reason: "the userspace datapath of Open vSwitch drops fragmented UDP to a Service",
  },
  {
    specs: /rejected for evicted pods/,
    cause: "environment",
    reason: "nodes share a disk, so their kubelets do not limit what pods use of it and evict nobody for it",
  },
  {
    specs: /check kube-proxy urls|\[Feature:KubeProxyNFAcct\]/,
    cause: "environment",
    reason: "there is no kube-proxy: Weft serves Services itself",
  },
  {
    specs:
      /respect internalTrafficPolicy=Local Pod to Pod|with InternalTrafficPolicy set to Local|with internalTrafficPolicy=Local/,
    cause: "not served",
    reason: "internalTrafficPolicy: Local",
  },
  {
    specs: /externall?TrafficPolicy=(Cluster|Local)|health check node port/,
    cause: "not served",
    reason: "externalTrafficPolicy, which needs NodePort",
  },
  {
    specs:
      /Services .*function for (pod-Service|node-Service|endpoint-Service|multiple endpoint-Services|service endpoints using hostNetwork)/,
    cause: "not served",
    reason: "NodePort, by which they call the Service too",
  },
  {
    specs:
      /update nodePort|basic nodePort|service type to NodePort listening|a NodePort service$|terminating and unready endpoints if PublishNotReadyAddresses is true|\[Feature:LocalhostNodePorts\]/,
    cause: "not served",
    reason: "NodePort",
  },
  {
    specs:
      /create a functioning NodePort|from ExternalName to NodePort|session affinity (work |timeout work )?for NodePort/,
    cause: "not served",
    reason: "NodePort",
  },
];
