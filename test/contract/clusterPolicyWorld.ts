// Policies of the whole cluster for the worlds of policyWorld.ts, and a naive reading of what they decide. It reads the
// objects as the API serves them, and shares no code with the plans.

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

interface Pods {
  readonly namespaceSelector: Selector;
  readonly podSelector: Selector;
}
interface Peer {
  readonly namespaces?: Selector;
  readonly pods?: Pods;
  readonly networks?: readonly string[];
  readonly nodes?: Selector;
}
interface Numbers {
  readonly destinationPort?: {
    readonly number?: number;
    readonly range?: { readonly start: number; readonly end: number };
  };
}
interface Port {
  readonly tcp?: Numbers;
  readonly udp?: Numbers;
  readonly destinationNamedPort?: string;
}
interface Rule {
  readonly action: "Accept" | "Deny" | "Pass";
  readonly peers: readonly Peer[];
  readonly protocols: readonly Port[] | undefined;
}
export interface WorldClusterPolicy {
  readonly tier: "Admin" | "Baseline";
  readonly priority: number;
  readonly subject: Peer;
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
  /** As the API had it before. */
  readonly isOld: boolean;
}

const pods: fc.Arbitrary<Peer> = fc.oneof(
  fc.record({ namespaces: selector }),
  fc.record({ pods: fc.record({ namespaceSelector: selector, podSelector: selector }) }),
);
const anywhere: fc.Arbitrary<Peer> = fc.oneof(
  { weight: 3, arbitrary: pods },
  fc.record({
    networks: fc.subarray(["0.0.0.0/0", "::/0", "10.244.0.0/16", "10.244.1.0/24", "10.244.0.4/31"], {
      minLength: 1,
    }),
  }),
  fc.record({ nodes: fc.record({ matchLabels: fc.constant({ a: "1" }) }) }),
);
const numbers: fc.Arbitrary<Numbers> = fc.oneof(
  fc.record({ destinationPort: fc.record({ number: fc.constantFrom(80, 8080) }) }),
  fc.record({ destinationPort: fc.constant({ range: { start: 79, end: 90 } }) }),
);
const port: fc.Arbitrary<Port> = fc.oneof(fc.record({ tcp: numbers }), fc.record({ udp: numbers }));
const named: fc.Arbitrary<Port> = fc.constant({ destinationNamedPort: "web" });
const rule = (peer: fc.Arbitrary<Peer>): fc.Arbitrary<Rule> =>
  fc.constantFrom<Rule["action"]>("Accept", "Deny", "Pass").chain((action) =>
    fc.record({
      action: fc.constant(action),
      peers: fc.array(peer, { minLength: 1, maxLength: 2 }),
      // What a Pass by a name takes away is not exact (docs/policies.md).
      protocols: fc.option(
        fc.array(action === "Pass" ? port : fc.oneof(port, named), { minLength: 1, maxLength: 2 }),
        { nil: undefined },
      ),
    }),
  );

export const clusterPolicies: fc.Arbitrary<readonly WorldClusterPolicy[]> = fc.array(
  fc.record({
    tier: fc.constantFrom("Admin" as const, "Baseline" as const),
    priority: fc.constantFrom(0, 3, 500, 1000),
    subject: pods,
    ingress: fc.array(rule(pods), { maxLength: 3 }),
    egress: fc.array(rule(anywhere), { maxLength: 3 }),
    isOld: fc.boolean(),
  }),
  { maxLength: 4 },
);

interface World {
  readonly namespaces: Readonly<Record<string, Labels>>;
  readonly pods: readonly WorldPod[];
  readonly clusterPolicies: readonly WorldClusterPolicy[];
}

/** What the policies of a tier decide about a packet; undefined when they leave it to the next one. */
export function verdict(
  world: World,
  tier: WorldClusterPolicy["tier"],
  packet: Packet,
  way: "ingress" | "egress",
  own: number,
  far: number,
): "Accept" | "Deny" | undefined {
  const policies = world.clusterPolicies.filter(
    (one) => one.tier === tier && isOneOf(world, one.subject, own),
  );
  for (const priority of [...new Set(policies.map((one) => one.priority))].sort((a, b) => a - b)) {
    const level = policies.filter((one) => one.priority === priority).map((one) => stepsOf(tier, one[way]));
    for (let step = -1; step < 30; step++)
      for (const action of ["Deny", "Accept", "Pass"] as const)
        for (const steps of level)
          for (const [nth, entry] of steps.entries()) {
            if (
              entry.step !== step ||
              entry.rule.action !== action ||
              !isMatch(world, packet, entry.rule, far)
            )
              continue;
            // Within a policy an earlier Pass comes first, even if it shares the step.
            const isPassed = steps
              .slice(0, nth)
              .some((before) => before.rule.action === "Pass" && isMatch(world, packet, before.rule, far));
            if (isPassed) continue;
            if (action === "Pass") return tier === "Admin" ? undefined : "Accept";
            return action;
          }
  }
  return undefined;
}

/** Policies of one priority are read side by side: each change between Accept and Deny is a step, and Deny comes first. */
function stepsOf(
  tier: string,
  rules: readonly Rule[],
): readonly { readonly rule: Rule; readonly step: number }[] {
  let step = -1;
  return rules.map((one) => {
    if (one.action !== "Pass" || tier === "Baseline") {
      const isOdd = one.action !== "Deny";
      step = Math.max(step, 0);
      if ((step % 2 === 1) !== isOdd) step++;
    }
    return { rule: one, step };
  });
}

const isMatch = (world: World, packet: Packet, { peers, protocols }: Rule, far: number): boolean =>
  peers.some((peer) =>
    peer.networks
      ? peer.networks.some((cidr) => {
          const address = packet.ip4?.[far];
          return address === undefined ? cidr === "::/0" : !cidr.includes(":") && inRange(cidr, address);
        })
      : !peer.nodes && isOneOf(world, peer, far),
  ) &&
  (!protocols || protocols.some((one) => isPort(world, packet, one)));

function isOneOf(world: World, peer: Peer, nth: number): boolean {
  const pod = world.pods[nth];
  if (!pod) return false;
  const labels: Labels = world.namespaces[pod.namespace] ?? {};
  return peer.pods
    ? matches(peer.pods.namespaceSelector, labels) && matches(peer.pods.podSelector, pod.labels)
    : matches(peer.namespaces ?? {}, labels);
}

function isPort(world: World, packet: Packet, { tcp, udp, destinationNamedPort }: Port): boolean {
  if (destinationNamedPort) return packet.protocol === "TCP" && world.pods[packet.to]?.web === packet.port;
  const of = packet.protocol === "TCP" ? tcp : packet.protocol === "UDP" ? udp : undefined;
  if (!of) return false;
  const { number, range } = of.destinationPort ?? {};
  if (number !== undefined) return number === packet.port;
  return !range || (range.start <= packet.port && packet.port <= range.end);
}

/** As the API serves it. */
export function clusterPolicyObject(policy: WorldClusterPolicy, nth: number): object {
  const { tier, priority, subject, ingress, egress, isOld } = policy;
  const metadata = { name: `policy${nth}` };
  if (!isOld || tier === "Baseline") {
    const rules = (list: readonly Rule[], side: string) =>
      list.map(({ peers, ...rest }) => ({ ...rest, [side]: peers }));
    return {
      kind: "ClusterNetworkPolicy",
      metadata,
      spec: { tier, priority, subject, ingress: rules(ingress, "from"), egress: rules(egress, "to") },
    };
  }
  const rules = (list: readonly Rule[], side: string) =>
    list.map(({ action, peers, protocols }) => ({
      action: action === "Accept" ? "Allow" : action,
      [side]: peers,
      ports: protocols?.map(oldPort),
    }));
  return {
    kind: "AdminNetworkPolicy",
    metadata,
    spec: { priority, subject, ingress: rules(ingress, "from"), egress: rules(egress, "to") },
  };
}

function oldPort({ tcp, udp, destinationNamedPort }: Port): object {
  if (destinationNamedPort) return { namedPort: destinationNamedPort };
  const protocol = tcp ? "TCP" : "UDP";
  const { number, range } = (tcp ?? udp)?.destinationPort ?? {};
  return range ? { portRange: { protocol, ...range } } : { portNumber: { protocol, port: number } };
}
