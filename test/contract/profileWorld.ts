// Security profiles for the worlds of policyWorld.ts, and a naive reading of what they decide. It reads the objects as the API
// serves them, and shares no code with the plans.

import fc from "fast-check";
import {
  inRange,
  type Labels,
  matches,
  type Packet,
  type Selector,
  selector,
  type WorldPod,
} from "./worldPods.ts";

interface Port {
  readonly protocol?: "TCP" | "UDP";
  readonly port?: number | string;
  readonly endPort?: number;
}
interface Rule {
  readonly action: "Allow" | "Deny";
  readonly peers: { readonly profiles?: readonly string[]; readonly cidrs?: readonly string[] } | undefined;
  readonly ports: readonly Port[] | undefined;
}
interface Otherwise {
  readonly ingress?: "Deny" | "Continue";
  readonly egress?: "Deny" | "Continue";
}
export interface WorldProfile {
  readonly namespaceSelector: Selector | undefined;
  readonly assignment: "ByAnnotation" | "Always" | undefined;
  readonly addresses: readonly string[];
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
  readonly otherwise: Otherwise;
}

/** The last one never exists. */
const names = ["p", "q", "none"] as const;

/** What a pod asks for by its annotation. */
export const asks: fc.Arbitrary<string | undefined> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("p", "q", "p,q", " q ,p") },
  { weight: 2, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom("none", "p,none", "p,,q", "") },
);

const port: fc.Arbitrary<Port> = fc.oneof(
  fc.constant({ port: "web" }),
  fc.constant({ port: 80 }),
  fc.constant({ protocol: "UDP" as const, port: 8080 }),
  fc.constant({ protocol: "UDP" as const }),
  fc.constant({ port: 79, endPort: 90 }),
);
const peers = fc.oneof(
  { weight: 3, arbitrary: fc.record({ profiles: fc.subarray([...names], { minLength: 1 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      cidrs: fc.subarray(["0.0.0.0/0", "::/0", "10.244.1.0/24", "10.244.0.4/31"], { minLength: 1 }),
    }),
  },
);
const rule: fc.Arbitrary<Rule> = fc.record({
  action: fc.constantFrom("Allow" as const, "Deny" as const),
  peers: fc.option(peers, { nil: undefined }),
  ports: fc.option(fc.array(port, { minLength: 1, maxLength: 2 }), { nil: undefined }),
});
const whatElse = fc.constantFrom("Deny" as const, "Continue" as const);
const profile: fc.Arbitrary<WorldProfile> = fc.record({
  namespaceSelector: fc.option(selector, { nil: undefined, freq: 5 }),
  assignment: fc.constantFrom("ByAnnotation" as const, "Always" as const, undefined),
  addresses: fc.subarray(["10.244.0.4", "10.244.1.0/28", "192.0.2.1"]),
  ingress: fc.array(rule, { maxLength: 2 }),
  egress: fc.array(rule, { maxLength: 2 }),
  otherwise: fc.record({ ingress: whatElse, egress: whatElse }, { requiredKeys: [] }),
});

export const profiles: fc.Arbitrary<Readonly<Record<string, WorldProfile>>> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  { weight: 2, arbitrary: fc.record({ p: profile, q: profile }, { requiredKeys: [] }) },
);

interface World {
  readonly namespaces: Readonly<Record<string, Labels>>;
  readonly pods: readonly WorldPod[];
  readonly profiles: Readonly<Record<string, WorldProfile>>;
}

/** What the profiles of a pod decide about a packet; undefined when they leave it to NetworkPolicies. */
export function profileVerdict(
  world: World,
  packet: Packet,
  way: "ingress" | "egress",
  own: number,
  far: number,
): "Allow" | "Deny" | undefined {
  const pod = world.pods[own];
  if (!pod) return undefined;
  if (asked(pod).some((name) => !mayHave(world, pod, name))) return "Deny";
  const all = Object.entries(world.profiles).flatMap(([name, one]) => (has(world, pod, name) ? [one] : []));
  const matching = all.flatMap((one) => one[way].filter((each) => isMatch(world, packet, each, far)));
  for (const action of ["Deny", "Allow"] as const)
    if (matching.some((one) => one.action === action)) return action;
  const isClosed = all.some((one) => {
    const said = one.otherwise[way];
    return said ? said === "Deny" : one[way].some(({ action }) => action === "Allow");
  });
  return isClosed ? "Deny" : undefined;
}

const asked = ({ asks: text = "" }: WorldPod): readonly string[] =>
  text === "" ? [] : text.split(",").map((name) => name.trim());

const mayHave = ({ namespaces, profiles: known }: World, { namespace }: WorldPod, name: string): boolean => {
  const wanted = known[name]?.namespaceSelector;
  return wanted !== undefined && matches(wanted, namespaces[namespace] ?? {});
};

const has = (world: World, pod: WorldPod, name: string): boolean =>
  mayHave(world, pod, name) && (asked(pod).includes(name) || world.profiles[name]?.assignment === "Always");

function isMatch(world: World, packet: Packet, { peers: meant, ports }: Rule, far: number): boolean {
  const address = packet.ip4?.[far];
  const pod = world.pods[far];
  const isMember = (name: string): boolean =>
    (pod !== undefined && has(world, pod, name)) ||
    (address !== undefined &&
      world.profiles[name]?.addresses.some((one) =>
        inRange(one.includes("/") ? one : `${one}/32`, address),
      ) === true);
  const isIn = (cidr: string): boolean =>
    address === undefined ? cidr === "::/0" : !cidr.includes(":") && inRange(cidr, address);
  return (
    (!meant || meant.profiles?.some(isMember) === true || meant.cidrs?.some(isIn) === true) &&
    (!ports || ports.some((one) => isPort(one, packet, world.pods[packet.to])))
  );
}

function isPort(one: Port, packet: Packet, receiver: WorldPod | undefined): boolean {
  if (typeof one.port === "string") return packet.protocol === "TCP" && receiver?.web === packet.port;
  if ((one.protocol ?? "TCP") !== packet.protocol) return false;
  return one.port === undefined || (one.port <= packet.port && packet.port <= (one.endPort ?? one.port));
}

/** As the API serves it. */
export function profileObject([name, world]: readonly [string, WorldProfile]): object {
  const rules = (list: readonly Rule[], side: string) =>
    list.map(({ action, peers: meant, ports }) => ({ action, [side]: meant, ports }));
  const { ingress, egress, ...rest } = world;
  return {
    kind: "SecurityProfile",
    metadata: { name },
    spec: { ...rest, ingress: rules(ingress, "from"), egress: rules(egress, "to") },
  };
}
