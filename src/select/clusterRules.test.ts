// Parts of rules, which have only priorities, decide as the rules do, which have Pass.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ClusterPeer, ClusterPolicy, ClusterRule } from "../kube/clusterPolicy.ts";
import { selects } from "../kube/labelSelector.ts";
import type { LabelSelector } from "../kube/objects.ts";
import { aClusterPolicy } from "../kube/policyFixture.ts";
import { contains, parseCidr, parseIp } from "../model/ip.ts";
import { allPorts, hasPort, isEmpty } from "../model/portSet.ts";
import { partsOf, type RulePart } from "./clusterRules.ts";
import { nodeAddressesIn, type SeenNode } from "./nodeGroup.ts";
import { addressesIn } from "./podGroup.ts";
import { anyLabels, anySelector } from "./selectFixture.ts";
import { hasPod, type SeenPod } from "./selection.ts";

const cidr = (text: string) => parseCidr(text) ?? assert.fail(text);
const ip = (text: string) => parseIp(text) ?? assert.fail(text);
const podRanges = [cidr("10.244.0.0/16")];
const networks = ["0.0.0.0/0", "10.244.0.0/24", "10.0.0.0/8", "172.30.0.0/16", "172.30.0.2/32"].map(cidr);

const policy = (
  name: string,
  priority: number,
  rules: Partial<Pick<ClusterPolicy, "ingress" | "egress">>,
  more: Partial<Omit<ClusterPolicy, "kind">> = {},
): ClusterPolicy => aClusterPolicy(name, { priority, ...rules, ...more });

const anyPods = fc.record({ kind: fc.constant("pods" as const), namespaces: anySelector, pods: anySelector });
const anyPeer: fc.Arbitrary<ClusterPeer> = fc.oneof(
  anyPods,
  fc.record({ kind: fc.constant("nodes" as const), nodes: anySelector }),
  fc.record({ kind: fc.constant("network" as const), range: fc.constantFrom(...networks) }),
);
/** Those of rules that accept. */
const anyName = fc.record({
  kind: fc.constant("name" as const),
  pattern: fc.constantFrom("a.example.com", "*.example.com"),
});
/** What they lead to. */
const addressesOf: Readonly<Record<string, readonly string[]>> = {
  "a.example.com": ["172.30.0.9"],
  "*.example.com": ["172.30.0.9", "192.0.2.1"],
};
const anyRules: fc.Arbitrary<readonly ClusterRule[]> = fc
  .array(
    fc.record({
      action: fc.constantFrom("Accept" as const, "Deny" as const, "Pass" as const),
      name: fc.constant(""),
      peers: fc.array(anyPeer, { minLength: 1, maxLength: 2 }),
      ports: fc.option(
        fc.array(
          fc.record({
            protocol: fc.constantFrom("TCP" as const, "UDP" as const),
            port: fc.option(fc.constantFrom({ from: 1, to: 5 }, { from: 3, to: 3 }, { from: 4, to: 9 }), {
              nil: undefined,
            }),
          }),
          { minLength: 1, maxLength: 2 },
        ),
        { nil: undefined },
      ),
    }),
    { maxLength: 3 },
  )
  .chain((rules) =>
    fc
      .array(fc.array(anyName, { maxLength: 2 }), { minLength: rules.length, maxLength: rules.length })
      .map((names) =>
        rules.map((rule, index) => {
          const more = rule.action === "Accept" ? (names[index] ?? []) : [];
          return { ...rule, peers: [...rule.peers, ...more], index };
        }),
      ),
  );
const anyPolicies = fc
  .array(fc.record({ subject: anyPods, egress: anyRules }), { minLength: 1, maxLength: 3 })
  .map((all) => all.map((one, nth) => policy(`p${nth}`, nth * 10, one, one)));

type Far = { readonly pod: SeenPod } | { readonly node: SeenNode } | { readonly nobody: true };
interface Point {
  readonly own: SeenPod;
  readonly far: Far;
  readonly address: string;
  readonly port: number | undefined;
}
const anyPod: fc.Arbitrary<SeenPod> = fc.record({
  namespace: fc.constant("shop"),
  labels: anyLabels,
  namespaceLabels: anyLabels,
});
const management = "10.244.0.2";
const anyFar: fc.Arbitrary<readonly [Far, string]> = fc.oneof(
  fc.tuple(fc.record({ pod: anyPod }), fc.constantFrom("10.244.0.7", "10.244.1.7")),
  fc.tuple(
    fc.record({
      node: fc.record({
        labels: anyLabels,
        hostAddresses: fc.constant([ip("172.30.0.2")]),
        standIns: fc.constant([{ host: ip("172.30.0.2"), management: ip(management) }]),
      }),
    }),
    fc.constantFrom("172.30.0.2", management),
  ),
  fc.tuple(fc.constant({ nobody: true } as const), fc.constantFrom("172.30.0.9", "10.9.9.9", "192.0.2.1")),
);
const anyPoint: fc.Arbitrary<Point> = fc
  .tuple(anyPod, anyFar, fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }))
  .map(([own, [far, address], port]) => ({ own, far, address, port }));

/** The rule that decides, read as people write it. What goes to a node's management address also goes to its own one. */
function naive(policies: readonly ClusterPolicy[], point: Point): string {
  const own = "node" in point.far && point.address === management ? ["172.30.0.2"] : [];
  const found = [point.address, ...own].map((address) => naiveAt(policies, { ...point, address }));
  const [first] = found.filter(({ action }) => action !== "Pass").toSorted((a, b) => a.order - b.order);
  return first?.action ?? "Pass";
}

function naiveAt(policies: readonly ClusterPolicy[], { own, far, address, port }: Point) {
  const is = (peer: ClusterPeer): boolean => {
    if (peer.kind === "pods") return "pod" in far && has(peer, far.pod);
    if (peer.kind === "nodes") return "node" in far && selects(peer.nodes, far.node.labels);
    if (peer.kind === "name") return addressesOf[peer.pattern]?.includes(address) === true;
    return contains(peer.range, ip(address));
  };
  for (const { subject, egress, priority } of policies) {
    if (!subject || !has(subject, own)) continue;
    for (const { action, peers, ports, index } of egress)
      if (
        peers.some(is) &&
        (!ports ||
          (port !== undefined &&
            ports.some(
              (one) =>
                "protocol" in one &&
                one.protocol === "TCP" &&
                (!one.port || (one.port.from <= port && port <= one.port.to)),
            )))
      )
        return { action, order: priority * 100 + index };
  }
  return { action: "Pass", order: 0 };
}
const has = (
  { namespaces, pods }: { readonly namespaces: LabelSelector; readonly pods: LabelSelector },
  { labels, namespaceLabels }: SeenPod,
): boolean => selects(pods, labels) && selects(namespaces, namespaceLabels ?? {});

/** The same by the parts, as ACLs would. */
function byParts(policies: readonly ClusterPolicy[], point: Point): string {
  const matching = policies.flatMap((one) =>
    partsOf(one, policies, podRanges)
      .parts.filter((part) => isMatch(part, point))
      .map(({ level, action }) => ({ order: one.priority * 100 + level, action })),
  );
  const [first] = matching.toSorted((a, b) => a.order - b.order);
  return first?.action ?? "Pass";
}

function isMatch({ subjects, peers, ports }: RulePart, { own, far, address, port }: Point): boolean {
  const at = [ip(address)];
  if (!addressesIn(subjects, (one) => hasPod(one, own), at)) return false;
  const isPort = port === undefined ? ports.others : hasPort(ports, "TCP", port);
  if (!isPort || isEmpty(ports)) return false;
  if ("pod" in far && peers.pods.some((group) => addressesIn(group, (one) => hasPod(one, far.pod), at)))
    return true;
  const isPassedNode = "node" in far && peers.notNodes.some((one) => selects(one, far.node.labels));
  if (peers.blocks.some((block) => contains(block, ip(address))) && !isPassedNode) return true;
  if (
    peers.names.some(
      ({ pattern, outside }) =>
        addressesOf[pattern]?.includes(address) && !outside.some((block) => contains(block, ip(address))),
    )
  )
    return true;
  return (
    "node" in far &&
    peers.nodes.some((group) =>
      nodeAddressesIn(group, far.node).some(({ value }) => value === ip(address).value),
    )
  );
}

test("parts without Pass decide as rules with Pass do", () => {
  fc.assert(
    fc.property(anyPolicies, fc.array(anyPoint, { minLength: 20, maxLength: 20 }), (policies, points) => {
      for (const point of points) assert.equal(byParts(policies, point), naive(policies, point));
    }),
    { numRuns: 300 },
  );
});

const team = (name: string): LabelSelector => [{ key: "team", operator: "In", values: [name] }];
const ofTeam = (name: string) => ({ kind: "pods" as const, namespaces: team(name), pods: [] });
const anybody = { kind: "pods" as const, namespaces: [], pods: [] };
const rule = (action: ClusterRule["action"], peers: readonly ClusterPeer[], index = 0): ClusterRule => ({
  action,
  index,
  name: "",
  peers,
  ports: undefined,
});

test("what is certainly passed on leaves no part, and what is certainly another's none either", () => {
  const idiom = policy("idiom", 1, { ingress: [rule("Pass", [anybody]), rule("Deny", [ofTeam("a")], 1)] });
  assert.deepEqual(partsOf(idiom, [idiom], podRanges).parts, []);
  const foreign = policy("foreign", 1, { ingress: [rule("Pass", [ofTeam("b")])] }, { subject: ofTeam("b") });
  const denying = policy("denying", 2, { ingress: [rule("Deny", [ofTeam("a")])] });
  const { parts } = partsOf(denying, [foreign, denying], podRanges);
  assert.deepEqual(
    parts.map(({ peers }) => peers.pods.map(({ except }) => except)),
    [[[]]],
  );
});

test("each of many teams that pass among themselves is one part of a rule for all", () => {
  const teams = Array.from({ length: 20 }, (_, nth) => `t${nth}`);
  const passing = teams.map((name, nth) =>
    policy(name, nth, { ingress: [rule("Pass", [ofTeam(name)])] }, { subject: ofTeam(name) }),
  );
  const all = policy("all", 100, { ingress: [rule("Deny", [anybody])] });
  const { parts, leftOut } = partsOf(all, [...passing, all], podRanges);
  assert.deepEqual([parts.length, leftOut], [21, undefined]);
});

test("where there would be too many parts, what is accepted accepts nothing and what is denied is denied more", () => {
  const label = (nth: number): LabelSelector => [{ key: `k${nth}`, operator: "Exists", values: [] }];
  const passing = Array.from({ length: 10 }, (_, nth) =>
    policy(
      `p${nth}`,
      nth,
      { ingress: [rule("Pass", [{ ...anybody, pods: label(nth) }])] },
      { subject: { ...anybody, pods: label(nth) } },
    ),
  );
  const last = policy("last", 100, { ingress: [rule("Accept", [anybody]), rule("Deny", [anybody], 1)] });
  const { parts, leftOut } = partsOf(last, [...passing, last], podRanges);
  assert.deepEqual([...new Set(parts.map(({ action }) => action))], ["Deny"]);
  assert.ok(parts.length <= 100);
  assert.match(leftOut ?? "", /spec\.ingress\[0\] accepts nothing.*spec\.ingress\[1\] denies more/);
});

test("a Pass by a port's name takes from what is accepted at all ports, and nothing from what is denied", () => {
  const pass: ClusterRule = { ...rule("Pass", [ofTeam("a")]), ports: [{ name: "http" }] };
  const one = policy("one", 1, {
    ingress: [pass, rule("Accept", [ofTeam("a")], 1), rule("Deny", [ofTeam("a")], 2)],
  });
  const { parts } = partsOf(one, [one], podRanges);
  assert.deepEqual(
    parts.map(({ action, ports }) => [action, ports]),
    [["Deny", allPorts]],
  );
});
