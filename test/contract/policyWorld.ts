// Small worlds of pods and NetworkPolicies, and a naive reading of what they allow. It reads the objects as the API
// serves them, and shares no code with the plans.

import fc from "fast-check";

interface Requirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}
interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly Requirement[];
}
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
export type Protocol = "TCP" | "UDP" | "SCTP";
export type Labels = Readonly<Record<string, string>>;

export interface WorldPolicy {
  readonly namespace: string;
  readonly podSelector: Selector;
  readonly policyTypes: readonly ("Ingress" | "Egress")[] | undefined;
  readonly ingress: readonly Rule[] | undefined;
  readonly egress: readonly Rule[] | undefined;
}
export interface WorldPod {
  readonly namespace: string;
  readonly node: string;
  readonly labels: Labels;
  /** What it calls `web`, a TCP port. */
  readonly web: number | undefined;
}
export interface PolicyWorld {
  readonly namespaces: Readonly<Record<string, Labels>>;
  readonly pods: readonly WorldPod[];
  readonly policies: readonly WorldPolicy[];
}

export interface Packet {
  readonly from: number;
  readonly to: number;
  readonly protocol: Protocol;
  readonly port: number;
  /** The IPv4 addresses of all pods, by their place in the world; undefined for a packet of IPv6. */
  readonly ip4: readonly string[] | undefined;
}

const value = fc.constantFrom("1", "2");
const key = fc.constantFrom("a", "b");
export const anyLabels: fc.Arbitrary<Labels> = fc.dictionary(key, value, { noNullPrototype: true });
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom("In" as const, "NotIn" as const),
    values: fc.array(value, { minLength: 1 }),
  }),
  fc.record({ key, operator: fc.constantFrom("Exists" as const, "DoesNotExist" as const) }),
);
const selector: fc.Arbitrary<Selector> = fc.oneof(
  fc.constant({}),
  fc.record({ matchLabels: anyLabels }),
  fc.record({ matchExpressions: fc.array(requirement, { minLength: 1, maxLength: 2 }) }),
);
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
    { minLength: 1, maxLength: 3 },
  ),
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
  const pod = world.pods[own];
  const isolating = world.policies.filter(
    (policy) =>
      policy.namespace === pod?.namespace &&
      matches(policy.podSelector, pod.labels) &&
      (policy.policyTypes ?? (policy.egress ? ["Ingress", "Egress"] : ["Ingress"])).includes(way),
  );
  if (isolating.length === 0) return true;
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

const matches = ({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([name, wanted]) => labels[name] === wanted) &&
  matchExpressions.every(({ key: name, operator, values = [] }) => {
    const found = labels[name];
    if (operator === "Exists") return found !== undefined;
    if (operator === "DoesNotExist") return found === undefined;
    const isListed = found !== undefined && values.includes(found);
    return operator === "In" ? isListed : !isListed;
  });

function inRange(cidr: string, address: string): boolean {
  const [start = "", bits = ""] = cidr.split("/");
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(numberOf(start) / size) * size;
  return numberOf(address) >= first && numberOf(address) < first + size;
}

const numberOf = (address: string): number =>
  address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
