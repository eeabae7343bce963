// Small worlds of pods and policies, and a naive reading of what they allow. It reads the objects as the API
// serves them, and shares no code with the plans.

import fc from "fast-check";
import { clusterPolicies, verdict, type WorldClusterPolicy } from "./clusterPolicyWorld.ts";
import { asks, profiles, profileVerdict, type WorldProfile } from "./profileWorld.ts";
import {
  anyLabels,
  inRange,
  type Labels,
  matches,
  type Packet,
  type Protocol,
  type Selector,
  selector,
  type WorldPod,
} from "./worldPods.ts";

interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except: readonly string[] };
}
interface Port {
  readonly protocol?: Protocol;
  readonly port?: number | string;
  readonly endPort?: number;
}
interface Rule {
  readonly peers: readonly Peer[] | undefined;
  readonly ports: readonly Port[] | undefined;
}

export interface WorldPolicy {
  readonly namespace: string;
  readonly podSelector: Selector;
  readonly policyTypes: readonly ("Ingress" | "Egress")[] | undefined;
  readonly ingress: readonly Rule[] | undefined;
  readonly egress: readonly Rule[] | undefined;
}
export interface PolicyWorld {
  readonly namespaces: Readonly<Record<string, Labels>>;
  readonly pods: readonly WorldPod[];
  readonly policies: readonly WorldPolicy[];
  readonly clusterPolicies: readonly WorldClusterPolicy[];
  readonly profiles: Readonly<Record<string, WorldProfile>>;
}

const ranges: Readonly<Record<string, readonly string[]>> = {
  "0.0.0.0/0": ["10.244.0.4/32", "10.244.1.0/24", "10.0.0.0/9"],
  "10.244.0.0/16": ["10.244.0.0/30", "10.244.1.4/32"],
  "10.244.0.4/30": [],
};
const block = fc
  .constantFrom(...Object.keys(ranges))
  .chain((cidr) => fc.subarray([...(ranges[cidr] ?? [])]).map((except) => ({ ipBlock: { cidr, except } })));
const peer: fc.Arbitrary<Peer> = fc.oneof(
  fc.record({ podSelector: selector }),
  fc.record({ namespaceSelector: selector }),
  fc.record({ podSelector: selector, namespaceSelector: selector }),
  block,
);
const protocol = fc.constantFrom<Protocol>("TCP", "UDP", "SCTP");
const port: fc.Arbitrary<Port> = fc.oneof(
  fc.constant({ port: "web" }),
  fc.record({ protocol, port: fc.constantFrom(80, 8080) }),
  fc.record({ protocol }),
  fc.constant({ protocol: "TCP" as const, port: 79, endPort: 90 }),
);
const rule: fc.Arbitrary<Rule> = fc.record({
  peers: fc.option(fc.array(peer, { minLength: 1, maxLength: 2 }), { nil: undefined }),
  ports: fc.option(fc.array(port, { minLength: 1, maxLength: 2 }), { nil: undefined }),
});
const rules = fc.option(fc.array(rule, { maxLength: 2 }), { nil: undefined });
const namespace = fc.constantFrom("shop", "bank");

export const anyWorld: fc.Arbitrary<PolicyWorld> = fc.record({
  namespaces: fc.record({ shop: anyLabels, bank: anyLabels }),
  pods: fc.array(
    fc.record({
      namespace,
      node: fc.constantFrom("n1", "n2"),
      labels: anyLabels,
      web: fc.constantFrom(undefined, 80, 8080),
      asks,
    }),
    { minLength: 3, maxLength: 4 },
  ),
  policies: fc.array(
    fc.record({
      namespace,
      podSelector: selector,
      policyTypes: fc.option(fc.subarray(["Ingress" as const, "Egress" as const], { minLength: 1 }), {
        nil: undefined,
      }),
      ingress: rules,
      egress: rules,
    }),
    { maxLength: 3 },
  ),
  clusterPolicies,
  profiles,
});

/** Whether the policies let the first packet of a connection through. */
export function allows(world: PolicyWorld, packet: Packet): boolean {
  const { from, to } = packet;
  return (
    from === to || (passes(world, packet, "Egress", from, to) && passes(world, packet, "Ingress", to, from))
  );
}

function passes(
  world: PolicyWorld,
  packet: Packet,
  way: "Ingress" | "Egress",
  own: number,
  far: number,
): boolean {
  const side = way === "Ingress" ? "ingress" : "egress";
  const before = verdict(world, "Admin", packet, side, own, far);
  if (before) return before === "Accept";
  const between = profileVerdict(world, packet, side, own, far);
  if (between) return between === "Allow";
  const pod = world.pods[own];
  const isolating = world.policies.filter(
    (policy) =>
      policy.namespace === pod?.namespace &&
      matches(policy.podSelector, pod.labels) &&
      (policy.policyTypes ?? (policy.egress ? ["Ingress", "Egress"] : ["Ingress"])).includes(way),
  );
  if (isolating.length === 0) return verdict(world, "Baseline", packet, side, own, far) !== "Deny";
  return isolating.some((policy) =>
    (way === "Ingress" ? policy.ingress : policy.egress)?.some(
      ({ peers, ports }) =>
        (!peers || peers.some((one) => isPeer(world, packet, policy.namespace, one, far))) &&
        (!ports || ports.some((one) => isPort(one, packet, world.pods[packet.to]))),
    ),
  );
}

function isPeer(world: PolicyWorld, { ip4 }: Packet, home: string, one: Peer, far: number): boolean {
  if (one.ipBlock) {
    const address = ip4?.[far];
    if (address === undefined) return false;
    return inRange(one.ipBlock.cidr, address) && !one.ipBlock.except.some((each) => inRange(each, address));
  }
  const pod = world.pods[far];
  if (!pod || (one.podSelector && !matches(one.podSelector, pod.labels))) return false;
  return one.namespaceSelector
    ? matches(one.namespaceSelector, world.namespaces[pod.namespace] ?? {})
    : pod.namespace === home;
}

function isPort(one: Port, packet: Packet, receiver: WorldPod | undefined): boolean {
  if ((one.protocol ?? "TCP") !== packet.protocol) return false;
  if (one.port === undefined) return true;
  if (typeof one.port === "string") return receiver?.web === packet.port;
  return one.port <= packet.port && packet.port <= (one.endPort ?? one.port);
}
