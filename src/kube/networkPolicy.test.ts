import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCidr } from "../model/ip.ts";
import { Interner } from "./intern.ts";
import { networkPolicyOf } from "./networkPolicy.ts";

function policyOf(spec: unknown) {
  const metadata = { namespace: "shop", name: "p", uid: "u", resourceVersion: "1" };
  const policy = networkPolicyOf({ metadata, spec }, new Interner());
  assert.ok(policy);
  return policy;
}

const directions: readonly (readonly [string, object, boolean, boolean])[] = [
  ["nothing but a selector", {}, true, false],
  ["ingress rules", { ingress: [{}] }, true, false],
  ["egress rules", { egress: [{}] }, true, true],
  ["egress without rules", { egress: [] }, true, true],
  ["Egress alone", { policyTypes: ["Egress"], ingress: [{}] }, false, true],
  ["both", { policyTypes: ["Ingress", "Egress"] }, true, true],
];
for (const [what, spec, ingress, egress] of directions)
  test(`a policy with ${what} isolates ${ingress ? "ingress" : ""} ${egress ? "egress" : ""}`, () => {
    const policy = policyOf({ podSelector: {}, ...spec });
    assert.deepEqual([policy.ingress !== undefined, policy.egress !== undefined], [ingress, egress]);
  });

test("an empty rule allows everybody everywhere, and a rule's empty lists mean the same", () => {
  const all = { peers: undefined, ports: undefined };
  assert.deepEqual(policyOf({ ingress: [{}, { from: [], ports: [] }] }).ingress, [all, all]);
});

test("ports have a number, a range, a name, or only a protocol", () => {
  const ports = [
    { port: 80 },
    { protocol: "UDP", port: 1000, endPort: 2000 },
    { port: "http" },
    { protocol: "SCTP" },
  ];
  assert.deepEqual(policyOf({ ingress: [{ ports }] }).ingress?.[0]?.ports, [
    { protocol: "TCP", port: { from: 80, to: 80 } },
    { protocol: "UDP", port: { from: 1000, to: 2000 } },
    { protocol: "TCP", port: "http" },
    { protocol: "SCTP", port: undefined },
  ]);
});

test("a block with host bits is the network around them", () => {
  const [peer] =
    policyOf({ ingress: [{ from: [{ ipBlock: { cidr: "10.1.2.3/8" } }] }] }).ingress?.[0]?.peers ?? [];
  assert.ok(peer?.kind === "block");
  assert.equal(formatCidr(peer.range), "10.0.0.0/8");
});

const from = (peer: unknown) => ({ ingress: [{ from: [peer] }] });
const port = (entry: unknown) => ({ ingress: [{ ports: [entry] }] });
const senseless: readonly (readonly [unknown, RegExp])[] = [
  [
    from({ ipBlock: { cidr: "10.0.0.0/33" } }),
    /ingress\[0\]\.from\[0\]\.ipBlock\.cidr: "10.0.0.0\/33" is not a CIDR/,
  ],
  [
    from({ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/16"] } }),
    /except\[0\]: 11.0.0.0\/16 is not inside/,
  ],
  [
    from({ ipBlock: { cidr: "10.0.0.0/8", except: ["10.0.0.0/7"] } }),
    /except\[0\]: 10.0.0.0\/7 is not inside/,
  ],
  [from({ ipBlock: { cidr: "10.0.0.0/8", except: [7] } }), /except\[0\]: 7 is not a CIDR/],
  [from({ ipBlock: { cidr: "10.0.0.0/8" }, podSelector: {} }), /has an ipBlock and a selector/],
  [from({}), /has neither a selector nor an ipBlock/],
  [from(null), /has neither a selector nor an ipBlock/],
  [
    from({ podSelector: { matchExpressions: [{ key: "a", operator: "Near" }] } }),
    /operator for a is none of/,
  ],
  [from({ podSelector: { matchExpressions: [{ key: "a", operator: "In" }] } }), /In for a has no values/],
  [
    from({ namespaceSelector: { matchLabels: { a: 1 } } }),
    /namespaceSelector: matchLabels has no text for a/,
  ],
  [port({ port: 0 }), /not a port name, a port or a range/],
  [port({ port: 90, endPort: 80 }), /not a port name, a port or a range/],
  [port({ endPort: 80 }), /not a port name, a port or a range/],
  [port({ port: "x".repeat(300) }), /not a port name, a port or a range/],
  [port({ port: "http", endPort: 80 }), /not a port name, a port or a range/],
  [port({ protocol: "ICMP" }), /protocol: is none of TCP, UDP and SCTP/],
  [{ ingress: [7] }, /ingress\[0\]: is no rule/],
  [{ ingress: [{ from: {} }] }, /ingress\[0\]\.from: is not a list/],
  [{ ingress: [{ ports: "http" }] }, /ingress\[0\]\.ports: is not a list/],
];
for (const [spec, problem] of senseless)
  test(`what makes no sense allows nothing and is named: ${JSON.stringify(spec).slice(0, 90)}`, () => {
    const { problems, ingress = [] } = policyOf(spec);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", problem);
    for (const { peers, ports } of ingress) assert.ok(peers?.length === 0 || ports?.length === 0);
  });

test("a direction that does not exist isolates in both", () => {
  const { ingress, egress, problems } = policyOf({ policyTypes: ["Inwards"] });
  assert.deepEqual([ingress, egress], [[], []]);
  assert.match(problems[0] ?? "", /policyTypes: "Inwards" is neither Ingress nor Egress/);
});

test("a policy of any shape is read without an error, and isolates its pods", () => {
  for (const spec of [undefined, null, 7, [], { podSelector: 7, ingress: {}, egress: 7, policyTypes: {} }])
    assert.deepEqual(policyOf(spec).ingress, []);
});
