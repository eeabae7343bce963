// Services of every sort in a large cluster, planned from nothing: how long it takes, and how many facts each sort costs. Nothing
// but the plan is measured.

import type { Endpoint, EndpointSlice, Service } from "../../src/kube/objects.ts";
import { formatIp } from "../../src/model/ip.ts";
import { managementOf } from "../../src/model/network.ts";
import { northboundScope } from "../../src/model/scope.ts";
import { balanced } from "../../src/plan/endpoints.ts";
import { Hosts, hostViewOf } from "../../src/plan/hosts.ts";
import { distributionOf } from "../../src/plan/near.ts";
import { serviceFacts } from "../../src/plan/service.ts";
import { type Bench, type Figure, repeated } from "../figure.ts";
import { cidr, nodeAt } from "./planNodes.ts";

const nodeCount = 1_000;
const serviceCount = 5_000;
const endpointCount = 3;
const zones = ["a", "b", "c"] as const;
const rounds = 5;
const scope = northboundScope("bench", "global");

interface Sort {
  readonly name: string;
  /** Of a hundred Services. */
  readonly share: number;
  readonly change: Partial<Service>;
  readonly hints: (zone: string, node: string) => Endpoint["hints"];
  /** Facts for each Service. */
  readonly aim: number;
}

const plain = { change: {}, hints: () => undefined };
const nodePort: Partial<Service> = {
  type: "NodePort",
  ports: [{ name: "", protocol: "TCP", port: 80, nodePort: 30_080 }],
};
const sorts: readonly Sort[] = [
  { ...plain, name: "ClusterIP", share: 58, aim: 2 },
  { ...plain, name: "NodePort", share: 10, change: nodePort, aim: 2 },
  {
    ...plain,
    name: "NodePort, Local",
    share: 10,
    change: { ...nodePort, externalTrafficPolicy: "Local" },
    aim: 2 + 3 * endpointCount,
  },
  {
    ...plain,
    name: "inside Local",
    share: 1,
    change: { internalTrafficPolicy: "Local" },
    aim: 2 * endpointCount,
  },
  {
    ...plain,
    name: "hints at zones",
    share: 20,
    hints: (zone) => ({ zones: [zone], nodes: [] }),
    aim: 2 * zones.length,
  },
  {
    ...plain,
    name: "hints at nodes",
    share: 1,
    hints: (zone, node) => ({ zones: [zone], nodes: [node] }),
    // A balancer for each endpoint's node and for each zone, and a member for each switch.
    aim: endpointCount + zones.length + nodeCount,
  },
];

export const servicePlansBench: Bench = {
  name: "service-plans",
  about: `${serviceCount} Services with ${endpointCount} endpoints each on ${nodeCount} nodes in ${zones.length} zones: planned ${rounds} times`,
  async run(progress) {
    const nodes = Array.from({ length: nodeCount }, (_, index) => ({
      ...nodeAt(index),
      zone: zones[index % zones.length] ?? "",
    }));
    const all = sorts.flatMap((sort) =>
      Array.from({ length: (serviceCount * sort.share) / 100 }, (_, index) => ({
        sort,
        ...objectsAt(sort, index),
      })),
    );
    const secondsOf: number[] = [];
    const facts = new Map<Sort, number>();
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      facts.clear();
      const hosts = new Hosts([cidr("10.0.0.0/8")]);
      for (const node of nodes) hosts.set(node.name, hostViewOf(node));
      for (const { sort, service, slices } of all) {
        const { vips } = balanced(service, slices);
        const owner = `service/bench/${service.name}`;
        const ips = vips.flatMap(({ targets }) => targets.map(({ ip }) => ip));
        hosts.follow(
          owner,
          ips,
          vips.flatMap(({ node }) => node ?? []),
          distributionOf(vips),
        );
        const { length } = serviceFacts(scope, owner, service, vips, hosts);
        facts.set(sort, (facts.get(sort) ?? 0) + length);
      }
      secondsOf.push((performance.now() - start) / 1000);
      progress(`planned in ${secondsOf.at(-1)?.toFixed(2)} s`);
    }
    return [
      repeated(
        `${serviceCount} Services × ${endpointCount} endpoints × ${nodeCount} nodes: planned`,
        "s",
        secondsOf,
        5,
      ),
      ...sorts.map(
        (sort): Figure => ({
          name: `${sort.name}: facts for each Service`,
          unit: "facts",
          value: (facts.get(sort) ?? 0) / ((serviceCount * sort.share) / 100),
          aim: sort.aim,
        }),
      ),
    ];
  },
};

function objectsAt(
  { name: sort, change, hints }: Sort,
  index: number,
): { readonly service: Service; readonly slices: readonly EndpointSlice[] } {
  const meta = {
    ...{ namespace: "bench", name: `${sort}-${index}`, uid: `${sort}-${index}`, resourceVersion: "1" },
    ...{ labels: {}, annotations: {}, deletionTimestamp: undefined },
  };
  const service: Service = {
    ...meta,
    kind: "Service",
    type: "ClusterIP",
    clusterIps: [`192.168.${index >> 8}.${index & 255}`],
    ports: [{ name: "", protocol: "TCP", port: 80 }],
    hasSelector: true,
    affinitySeconds: 0,
    publishNotReadyAddresses: false,
    ...change,
  };
  const endpoints = Array.from({ length: endpointCount }, (_, at): Endpoint => {
    const number = (index * endpointCount + at) % nodeCount;
    const { name: nodeName, subnets } = nodeAt(number);
    const [subnet] = subnets;
    const hinted = hints(zones[number % zones.length] ?? "", nodeName);
    return {
      addresses: subnet ? [formatIp(managementOf(subnet))] : [],
      ...{ ready: true, serving: true, terminating: false, nodeName },
      ...(hinted && { hints: hinted }),
    };
  });
  const slice: EndpointSlice = {
    ...meta,
    kind: "EndpointSlice",
    serviceName: service.name,
    addressType: "IPv4",
    endpoints,
    ports: [{ name: "", protocol: "TCP", port: 8080 }],
  };
  return { service, slices: [slice] };
}
