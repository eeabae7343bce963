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
    specs: /HostPort validates that there is no conflict/,
    cause: "not served",
    reason: "hostPort",
  },
  {
    specs:
      /create a functioning NodePort|from ExternalName to NodePort|session affinity (work |timeout work )?for NodePort/,
    cause: "not served",
    reason: "NodePort",
  },
];
