// What is not served in overlay mode, where nodes have routes for the configured ranges of Services alone (unserved.ts has what
// is not served in any mode).

import { type Cidr, contains, parseIp } from "../model/ip.ts";
import type { KubeObject } from "./kinds.ts";

/** What an object asks for in vain in overlay mode. */
export const unservedInOverlay =
  (services: readonly Cidr[]) =>
  (object: KubeObject): readonly string[] => {
    if (object.kind !== "Service") return [];
    const outside = object.clusterIps.filter((text) => {
      const ip = parseIp(text);
      return ip && !services.some((range) => contains(range, ip));
    });
    if (outside.length === 0) return [];
    const [whose, addresses] = [
      outside.length === 1 ? "its address" : "its addresses",
      outside.join(" and "),
    ];
    return [`${whose} ${addresses} for nodes' own processes and ports of nodes, outside of --service-cidr`];
  };
