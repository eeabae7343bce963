import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterNetworkPolicyOf } from "./clusterNetworkPolicy.ts";
import { Interner } from "./intern.ts";

const read = (spec: object) =>
  clusterNetworkPolicyOf({ metadata: { name: "p", uid: "p", resourceVersion: "1" }, spec }, new Interner()) ??
  assert.fail("it has an identity");
const sound = { tier: "Admin", priority: 7, subject: { namespaces: {} } };
const from = [{ namespaces: { matchLabels: { team: "ops" } } }];
const ops = {
  kind: "pods",
  namespaces: [{ key: "team", operator: "In", values: ["ops"] }],
  pods: [],
};

test("rules, peers and ports of every kind are read", () => {
  const { tier, priority, ingress, egress, problems } = read({
    ...sound,
    ingress: [{ name: "probes", action: "Accept", from }],
    egress: [
      {
        action: "Deny",
        to: [
          { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: "db" } } } },
          { nodes: { matchLabels: { role: "edge" } } },
          { networks: ["192.0.2.0/24", "2001:db8::/32"] },
        ],
        protocols: [
          { tcp: { destinationPort: { number: 443 } } },
          { udp: { destinationPort: { range: { start: 10, end: 20 } } } },
          { sctp: {} },
        ],
      },
      { action: "Pass", to: from, protocols: [{ destinationNamedPort: "http" }] },
    ],
  });
  assert.deepEqual([tier, priority, problems], ["Admin", 7, []]);
  assert.deepEqual(ingress, [{ action: "Accept", index: 0, name: "probes", peers: [ops], ports: undefined }]);
  assert.deepEqual(
    egress.map(({ peers }) => peers.map(({ kind }) => kind)),
    [["pods", "nodes", "network", "network"], ["pods"]],
  );
  assert.deepEqual(
    egress.map(({ ports }) => ports),
    [
      [
        { protocol: "TCP", port: { from: 443, to: 443 } },
        { protocol: "UDP", port: { from: 10, to: 20 } },
        { protocol: "SCTP", port: undefined },
      ],
      [{ name: "http" }],
    ],
  );
});

const bad: Readonly<Record<string, object>> = {
  "a peer of a kind that nobody knows": { from: [{ planets: {} }] },
  "a peer without anything": { from: [{}] },
  "a peer of two kinds": { from: [{ namespaces: {}, pods: { namespaceSelector: {}, podSelector: {} } }] },
  "a bad operator": {
    from: [{ namespaces: { matchExpressions: [{ key: "a", operator: "Near", values: ["b"] }] } }],
  },
  "half a peer": { from: [{ pods: { podSelector: {} } }] },
  "no peers": {},
  "nodes as sources": { from: [{ nodes: {} }] },
  "a protocol that nobody knows": { from, protocols: [{ icmp: {} }] },
  "a port that is none": { from, protocols: [{ tcp: { destinationPort: { number: 65_536 } } }] },
  "a range that ends before it begins": {
    from,
    protocols: [{ tcp: { destinationPort: { range: { start: 9, end: 8 } } } }],
  },
  "a name of 300 characters": { from, protocols: [{ destinationNamedPort: "a".repeat(300) }] },
  "too many peers": { from: Array.from({ length: 101 }, () => from[0]) },
};
for (const [what, rule] of Object.entries(bad))
  test(`${what} makes an Accept rule match less, and a Deny or Pass rule deny everything`, () => {
    const { ingress, problems } = read({
      ...sound,
      ingress: ["Accept", "Deny", "Pass"].map((action) => ({ action, ...rule })),
    });
    assert.deepEqual(
      ingress.map(({ action }) => action),
      ["Accept", "Deny", "Deny"],
    );
    const [accept, ...others] = ingress;
    assert.ok((accept?.peers.length ?? 0) <= 100);
    assert.ok(accept?.peers.length === 0 || accept?.ports?.length === 0 || what === "too many peers");
    for (const { peers, ports } of others) {
      assert.deepEqual(
        peers.map((peer) => peer.kind === "network" && peer.range.bits),
        [0, 0],
      );
      assert.equal(ports, undefined);
    }
    assert.ok(problems.every((problem) => problem.startsWith("spec.ingress[")));
    assert.ok(problems.length >= 3);
  });

test("domain names are peers of rules that accept; others with them deny everything", () => {
  const to = [{ domainNames: ["Example.com.", "*.example.com"] }];
  const { egress, problems } = read({
    ...sound,
    egress: [
      { action: "Accept", to },
      { action: "Accept", to: [{ domainNames: ["*", "a.example.com"] }] },
      { action: "Deny", to },
      { action: "Pass", to },
    ],
  });
  const named = egress.map(({ peers }) =>
    peers.map((peer) => (peer.kind === "name" ? peer.pattern : peer.kind)),
  );
  assert.deepEqual(named, [
    ["example.com", "*.example.com"],
    ["a.example.com"],
    ["network", "network"],
    ["network", "network"],
  ]);
  assert.deepEqual(problems, [
    'spec.egress[1].to[0].domainNames[0]: "*" is not a domain name',
    ...[2, 3].map((nth) => `spec.egress[${nth}].to[0].domainNames: is only for rules that accept`),
  ]);
  assert.deepEqual(read({ ...sound, ingress: [{ action: "Accept", from: to }] }).problems, [
    "spec.ingress[0].from[0]: is not a peer that Weft knows",
  ]);
});

test("a rule with an action that nobody knows denies what it matches", () => {
  const { ingress, problems } = read({ ...sound, ingress: [{ action: "Log", from }] });
  assert.deepEqual(ingress, [{ action: "Deny", index: 0, name: "", peers: [ops], ports: undefined }]);
  assert.equal(problems.length, 1);
});

const rules = ["Accept", "Deny", "Pass"].map((action) => ({ action, from }));
for (const [what, spec] of Object.entries({
  "an unknown tier": { tier: "Platform" },
  "a priority beyond 1000": { priority: 1001 },
  "a subject with a bad operator": {
    subject: { namespaces: { matchExpressions: [{ key: "a", operator: "Near" }] } },
  },
}))
  test(`of a policy with ${what} only what it denies is in force`, () => {
    const { ingress, problems, subject } = read({ ...sound, ingress: rules, ...spec });
    assert.deepEqual(
      ingress.map(({ action, index }) => [action, index]),
      [["Deny", 1]],
    );
    assert.ok(subject);
    assert.equal(problems.length, 1);
  });

test("a policy whose subject is of no known kind is about nobody", () => {
  for (const subject of [{}, { planets: {} }, undefined]) {
    const { subject: found, problems } = read({ ...sound, subject });
    assert.equal(found, undefined);
    assert.equal(problems.length, 1);
  }
});

test("in place of rules beyond the limit everything is denied", () => {
  const { ingress, problems } = read({
    ...sound,
    ingress: Array.from({ length: 102 }, () => ({ action: "Accept", from })),
  });
  assert.equal(ingress.length, 101);
  assert.deepEqual([ingress.at(-1)?.action, ingress.at(-1)?.index], ["Deny", 100]);
  assert.match(problems.join(), /has 102 rules/);
});
