// Services with one endpoint in the host's network, one Service for each node: planned from nothing, and again after
// one node has changed. Only the plan is measured, compared with the same Services with pods as endpoints.

import type { EndpointSlice, Service } from "../../src/kube/objects.ts";
import type { Fact } from "../../src/model/fact.ts";
import { formatIp } from "../../src/model/ip.ts";
import { podNetworkAt, type ResolvedNode } from "../../src/model/network.ts";
import type { Owner } from "../../src/model/owner.ts";
import { northboundScope } from "../../src/model/scope.ts";
import { balanced } from "../../src/plan/endpoints.ts";
import { Hosts, hostViewOf } from "../../src/plan/hosts.ts";
import { serviceFacts } from "../../src/plan/service.ts";
import { type Bench, compared, repeated } from "../figure.ts";
import { inTurn, Side } from "../inTurn.ts";
import { cidr, hostOf, nodeAt } from "./planNodes.ts";

const count = 1_000;
const turns = { fewest: 9, most: 27 };
const about = `${count} Services in the host's network of ${count} nodes`;
const scope = northboundScope("bench", "global");

export const hostServicesBench: Bench = {
  name: "host-services",
  about: `${about}: planned ${turns.fewest} to ${turns.most} times, in turn with pods as endpoints`,
  async run(progress) {
    const nodes = Array.from({ length: count }, (_, index) => nodeAt(index));
    const ofHosts = nodes.map((node) => objectsOf(node, formatIp(hostOf(node.id))));
    const ofPods = nodes.map((node) => objectsOf(node, formatIp(podOf(node))));
    const againMs: number[] = [];
    let facts = 0;
    let again = 0;
    const hosts = new Side(async () => {
      const first = planned(nodes, ofHosts);
      facts = first.facts;
      const start = performance.now();
      const [node] = nodes;
      if (!node) throw new Error("no node");
      const moved = { ...node, subnets: [cidr("10.200.0.0/24")] };
      const owners = first.hosts.set(node.name, hostViewOf(moved));
      for (const { owner, service, slices } of ofHosts)
        if (owners.has(owner))
          serviceFacts(scope, owner, service, balanced(service, slices).vips, first.hosts);
      againMs.push(performance.now() - start);
      again = owners.size;
      return [first.ms];
    });
    const pods = new Side(async () => [planned(nodes, ofPods).ms]);
    await inTurn([[hosts, pods]], turns);
    progress(`${facts} facts; a changed node has ${again} of ${count} Services planned again`);
    return [
      { name: `${about}: facts`, unit: "facts", value: facts, aim: 2 * count },
      compared({
        name: `${about}: plan`,
        unit: "ms",
        own: hosts,
        limit: { name: "with pods as endpoints", side: pods },
        aim: 1.5,
      }),
      { name: "one of these nodes changes: Services planned again", unit: "Services", value: again, aim: 1 },
      repeated("one of these nodes changes: plan", "ms", againMs, 1),
    ];
  },
};

interface Planned {
  readonly hosts: Hosts;
  readonly facts: number;
  readonly ms: number;
}

/** Plans everything from nothing, as when a controller starts. */
function planned(nodes: readonly ResolvedNode[], all: readonly Objects[]): Planned {
  const start = performance.now();
  const hosts = new Hosts([cidr("10.0.0.0/8")]);
  for (const node of nodes) hosts.set(node.name, hostViewOf(node));
  const plans = new Map<Owner, readonly Fact[]>();
  for (const { owner, service, slices } of all) {
    const { vips } = balanced(service, slices);
    hosts.follow(
      owner,
      vips.flatMap(({ targets }) => targets.map(({ ip }) => ip)),
    );
    plans.set(owner, serviceFacts(scope, owner, service, vips, hosts));
  }
  const ms = performance.now() - start;
  return { hosts, facts: [...plans.values()].reduce((sum, { length }) => sum + length, 0), ms };
}

interface Objects {
  readonly owner: Owner;
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
}

function objectsOf({ name: node }: ResolvedNode, address: string): Objects {
  const meta = {
    namespace: "bench",
    name: `of-${node}`,
    uid: node,
    resourceVersion: "1",
    labels: {},
    annotations: {},
    deletionTimestamp: undefined,
  };
  const service: Service = {
    ...meta,
    kind: "Service",
    type: "ClusterIP",
    clusterIps: ["192.168.0.1"],
    ports: [{ name: "", protocol: "TCP", port: 80 }],
    hasSelector: true,
    affinitySeconds: 0,
    publishNotReadyAddresses: false,
  };
  const endpoint = { addresses: [address], ready: true, serving: true, terminating: false, nodeName: node };
  const slice: EndpointSlice = {
    ...meta,
    kind: "EndpointSlice",
    serviceName: service.name,
    addressType: "IPv4",
    endpoints: [endpoint],
    ports: [{ name: "", protocol: "TCP", port: 8080 }],
  };
  return { owner: `service/bench/${service.name}`, service, slices: [slice] };
}

function podOf({ subnets }: ResolvedNode) {
  const [address] = podNetworkAt(subnets, 3).addresses;
  if (!address) throw new Error("no subnet");
  return address.ip;
}
