import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Endpoint, EndpointSlice, Service } from "../kube/objects.ts";
import type { Fact } from "../model/fact.ts";
import type { ResolvedNode } from "../model/network.ts";
import { northboundScope } from "../model/scope.ts";
import { rowUuid } from "../model/uuid.ts";
import { balanced } from "./endpoints.ts";
import { Hosts, hostViewOf } from "./hosts.ts";
import { serviceFacts } from "./service.ts";

const scope = northboundScope("demo", "global");
const meta = {
  ...{ namespace: "shop", name: "web", uid: "u", resourceVersion: "1" },
  ...{ labels: {}, annotations: {}, deletionTimestamp: undefined },
};
const service: Service = {
  ...meta,
  ...{ kind: "Service", type: "ClusterIP", clusterIps: ["10.96.0.10"], hasSelector: true },
  ports: [{ name: "http", protocol: "TCP", port: 80 }],
  ...{ affinitySeconds: 0, publishNotReadyAddresses: false },
};
const nodeNames = ["n1", "n2", "n3", "n4"];
const zones = ["a", "b", "c"];

interface Client {
  readonly node: string;
  readonly zone: string | undefined;
}

/** kube-proxy's words (topologyModeFromHints in pkg/proxy/topology.go), for one client. */
function expectedFor({ node, zone }: Client, endpoints: readonly Endpoint[]): readonly string[] {
  const ready = endpoints.filter((one) => one.ready);
  const leaving = endpoints.filter((one) => one.serving && one.terminating);
  const of = (those: readonly Endpoint[]): readonly string[] =>
    [...new Set(those.flatMap(({ addresses }) => addresses.map((ip) => `${ip}:8080`)))].toSorted();
  if (ready.length === 0) return of(leaving);
  const forNode = ready.filter(({ hints }) => hints?.nodes.includes(node));
  if (ready.every(({ hints }) => hints && hints.nodes.length > 0) && forNode.length > 0) return of(forNode);
  const forZone = ready.filter(({ hints }) => zone !== undefined && hints?.zones.includes(zone));
  if (ready.every(({ hints }) => hints && hints.zones.length > 0) && forZone.length > 0) return of(forZone);
  return of(ready);
}

/** What every balancer that the node's switch has makes of the Service's address. */
function foundAt({ node, zone }: Client, facts: readonly Fact[]): readonly (readonly string[])[] {
  const { names, cluster } = scope;
  const holders = new Set<string>([
    rowUuid(cluster, "Load_Balancer_Group", names.serviceGroup),
    rowUuid(cluster, "Load_Balancer_Group", names.zoneGroup(zone)),
    rowUuid(cluster, "Logical_Switch", names.nodeSwitch(node)),
  ]);
  const held = new Set(
    facts.flatMap((fact) => (fact.kind === "member" && holders.has(fact.uuid) ? [fact.value] : [])),
  );
  return facts.flatMap((fact) => {
    const vips = fact.kind === "row" && held.has(fact.uuid) ? fact.columns.get("vips") : undefined;
    const backends = vips instanceof Map ? vips.get("10.96.0.10:80") : undefined;
    return typeof backends === "string" ? [backends.split(",").filter(Boolean).toSorted()] : [];
  });
}

test("the switch of each node has the Service's address once, with the endpoints that kube-proxy would give its clients", () => {
  const names = (from: readonly string[]) => fc.uniqueArray(fc.constantFrom(...from), { maxLength: 2 });
  const hints = fc.option(
    fc.record({ zones: names([...zones, "gone"]), nodes: names([...nodeNames, "gone"]) }),
    {
      nil: undefined,
    },
  );
  const state = fc.constantFrom(
    ...[
      { ready: true, serving: true, terminating: false },
      { ready: true, serving: true, terminating: false },
      { ready: false, serving: true, terminating: true },
      { ready: false, serving: false, terminating: false },
    ],
  );
  const endpoint = fc.record({ hints, state, nodeName: fc.constantFrom(...nodeNames) });
  const client = fc.record({
    node: fc.constantFrom(...nodeNames),
    zone: fc.option(fc.constantFrom(...zones), { nil: undefined }),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(client, { selector: ({ node }) => node }),
      fc.array(endpoint, { maxLength: 6 }),
      (clients, drawn) => {
        const hosts = new Hosts([]);
        for (const { node: name, zone } of clients) hosts.set(name, hostViewOf(aNode(name, zone)));
        const endpoints = drawn.map(
          ({ state: conditions, hints: hinted, nodeName }, index): Endpoint => ({
            ...{ addresses: [`10.244.0.${index + 3}`], nodeName, ...conditions },
            ...(hinted && { hints: hinted }),
          }),
        );
        const slice: EndpointSlice = {
          ...meta,
          ...{ kind: "EndpointSlice", serviceName: "web", addressType: "IPv4", endpoints },
          ports: [{ name: "http", protocol: "TCP", port: 8080 }],
        };
        const { vips } = balanced(service, [slice]);
        const facts = serviceFacts(scope, "service/shop/web", service, vips, hosts);
        for (const one of clients) assert.deepEqual(foundAt(one, facts), [expectedFor(one, endpoints)]);
      },
    ),
    { numRuns: 500 },
  );
});

function aNode(name: string, zone: string | undefined): ResolvedNode {
  return {
    ...{ name, id: 2, subnets: [], chassisId: undefined, gateway: undefined, hostAddresses: [] },
    ...(zone !== undefined && { zone }),
  };
}
