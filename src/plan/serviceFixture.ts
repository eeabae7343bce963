// A Service, its endpoints and nodes, for tests of plans of Services.

import type { Endpoint, EndpointSlice, Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import { parseCidr, parseInterfaceAddress, parseIp } from "../model/ip.ts";
import type { ResolvedNode } from "../model/network.ts";
import { northboundScope } from "../model/scope.ts";
import { balanced } from "./endpoints.ts";
import { Hosts, hostViewOf } from "./hosts.ts";
import { serviceFacts } from "./service.ts";

const meta = {
  namespace: "shop",
  uid: "u",
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
};
export const port = { name: "http", protocol: "TCP", port: 80 } as const;
export const service: Service = {
  ...meta,
  kind: "Service",
  name: "web",
  type: "ClusterIP",
  clusterIps: ["10.96.0.10", "fd00:10:96::10"],
  ports: [port],
  hasSelector: true,
  affinitySeconds: 0,
  publishNotReadyAddresses: false,
};
export const anEndpoint = (address: string, change: Partial<Endpoint> = {}): Endpoint => ({
  addresses: [address],
  ready: true,
  serving: true,
  terminating: false,
  nodeName: "",
  ...change,
});
export const aSlice = (
  endpoints: readonly Endpoint[],
  change: Partial<EndpointSlice> = {},
): EndpointSlice => ({
  ...meta,
  kind: "EndpointSlice",
  name: "web-1",
  serviceName: "web",
  addressType: "IPv4",
  endpoints,
  ports: [{ name: "http", protocol: "TCP", port: 8080 }],
  ...change,
});
const noHosts = new Hosts([]);
export const factsOf = (of: Service, slices: readonly EndpointSlice[], hosts = noHosts): readonly Fact[] =>
  serviceFacts(northboundScope("demo", "global"), "service/shop/web", of, balanced(of, slices).vips, hosts);
/** virtual address -> backends */
export const vipsIn = (facts: readonly Fact[]): ReadonlyMap<unknown, readonly string[]> =>
  new Map(
    facts.flatMap((fact) =>
      fact.kind === "row" && fact.columns.get("vips") instanceof Map
        ? [...(fact.columns.get("vips") as ReadonlyMap<string, string>)].map(
            ([vip, backends]) => [vip, backends.split(",").filter(Boolean)] as const,
          )
        : [],
    ),
  );
export const backendsOf = (of: Service, slices: readonly EndpointSlice[]): readonly string[] | undefined =>
  vipsIn(factsOf(of, slices)).get("10.96.0.10:80");
export const leaving = { ready: false, terminating: true };

export const aNode = (n: number): ResolvedNode => ({
  name: `n${n}`,
  id: n + 1,
  subnets: [`10.244.${n}.0/24`, `fd00:10:244:${n}::/64`].flatMap((text) => parseCidr(text) ?? []),
  chassisId: `c${n}`,
  gateway: {
    mac: "0a:58:ac:1e:00:0b",
    addresses: [`172.30.0.1${n}/24`, `fd00:172:30::1${n}/64`].flatMap((t) => parseInterfaceAddress(t) ?? []),
    nextHops: [],
    mtuBytes: 1500,
  },
  hostAddresses: [`172.30.0.1${n}`, `fd00:172:30::1${n}`].flatMap((text) => parseIp(text) ?? []),
  isControlPlane: true,
});
export const hostsOf = (list: readonly ResolvedNode[]): Hosts => {
  const hosts = new Hosts([]);
  for (const node of list) hosts.set(node.name, hostViewOf(node));
  return hosts;
};
export const onNode = (n: number, last: number, change: Partial<Endpoint> = {}): Endpoint =>
  anEndpoint(`10.244.${n}.${last}`, { nodeName: `n${n}`, ...change });
