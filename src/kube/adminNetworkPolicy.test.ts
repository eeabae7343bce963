import assert from "node:assert/strict";
import { test } from "node:test";
import { adminNetworkPolicyOf, baselineAdminNetworkPolicyOf } from "./adminNetworkPolicy.ts";
import { clusterNetworkPolicyOf } from "./clusterNetworkPolicy.ts";
import { Interner } from "./intern.ts";

const object = (spec: object) => ({ metadata: { name: "p", uid: "p", resourceVersion: "1" }, spec });
const subject = { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: "web" } } } };
const from = [{ namespaces: {} }];
const ports = [
  { portNumber: { protocol: "UDP", port: 53 } },
  { portNumber: { port: 80 } },
  { portRange: { start: 8000, end: 8100 } },
  { namedPort: "http" },
];
const protocols = [
  { udp: { destinationPort: { number: 53 } } },
  { tcp: { destinationPort: { number: 80 } } },
  { tcp: { destinationPort: { range: { start: 8000, end: 8100 } } } },
  { destinationNamedPort: "http" },
];

test("an AdminNetworkPolicy means what a ClusterNetworkPolicy of the tier Admin says in other words", () => {
  const intern = new Interner();
  const older = adminNetworkPolicyOf(
    object({
      priority: 5,
      subject,
      ingress: [{ action: "Allow", from, ports }],
      egress: [{ action: "Pass", to: from }],
    }),
    intern,
  );
  const newer = clusterNetworkPolicyOf(
    object({
      tier: "Admin",
      priority: 5,
      subject,
      ingress: [{ action: "Accept", from, protocols }],
      egress: [{ action: "Pass", to: from }],
    }),
    intern,
  );
  assert.deepEqual({ ...older, kind: "" }, { ...newer, kind: "" });
});

test("a BaselineAdminNetworkPolicy comes after every priority, and has no Pass", () => {
  const read = baselineAdminNetworkPolicyOf(
    object({
      subject,
      ingress: [
        { action: "Allow", from },
        { action: "Pass", from },
      ],
    }),
    new Interner(),
  );
  assert.deepEqual([read?.tier, read?.priority], ["Baseline", 1001]);
  assert.deepEqual(
    read?.ingress.map(({ action }) => action),
    ["Accept", "Deny"],
  );
  assert.match(read?.problems.join() ?? "", /spec\.ingress\[1\]\.action/);
});

test("Accept, which is the newer word, is none here and denies", () => {
  const read = adminNetworkPolicyOf(
    object({ priority: 5, subject, ingress: [{ action: "Accept", from }] }),
    new Interner(),
  );
  assert.equal(read?.ingress[0]?.action, "Deny");
});

test("domain names, which no resolver learns for these kinds, are said not to be served", () => {
  const egress = [{ action: "Allow", to: [{ domainNames: ["www.example.com"] }] }];
  const policy = adminNetworkPolicyOf(object({ priority: 5, subject, egress }), new Interner());
  assert.match(policy?.problems.join() ?? "", /spec\.egress\[0\]\.to\[0\]: is not a peer that Weft knows/);
});
