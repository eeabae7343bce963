import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCidr } from "../model/ip.ts";
import { levelsOf } from "../model/levels.ts";
import { Interner } from "./intern.ts";
import { podsWithProfile, type SecurityProfile, securityProfileOf } from "./securityProfile.ts";

const profile = (spec: unknown): SecurityProfile =>
  securityProfileOf(
    { metadata: { name: "web", uid: "u", resourceVersion: "1", generation: 3 }, spec },
    new Interner(),
  ) ?? assert.fail();

test("its rules name profiles, networks and ports", () => {
  const { ingress, egress, named, problems, subject } = profile({
    ingress: [
      {
        action: "Allow",
        from: { profiles: ["dev", "ops"], cidrs: ["192.0.2.0/24", "2001:db8::/32"] },
        ports: [
          { port: 443 },
          { protocol: "UDP", port: 53, endPort: 55 },
          { protocol: "SCTP" },
          { port: "http" },
        ],
      },
    ],
    egress: [{ action: "Deny", to: { profiles: ["qa"] } }],
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(subject, podsWithProfile("web"));
  assert.deepEqual(named, ["dev", "ops", "qa"]);
  assert.deepEqual(ingress[0]?.peers.slice(0, 2), [podsWithProfile("dev"), podsWithProfile("ops")]);
  assert.deepEqual(
    ingress[0]?.peers.flatMap((peer) => (peer.kind === "network" ? [formatCidr(peer.range)] : [])),
    ["192.0.2.0/24", "2001:db8::/32"],
  );
  assert.deepEqual(ingress[0]?.ports, [
    { protocol: "TCP", port: { from: 443, to: 443 } },
    { protocol: "UDP", port: { from: 53, to: 55 } },
    { protocol: "SCTP", port: undefined },
    { name: "http" },
  ]);
  assert.deepEqual(
    egress.map(({ action, isRest }) => [action, isRest]),
    [["Deny", undefined]],
  );
});

test("what no rule matches is denied in a direction that allows something, unless it says otherwise", () => {
  const rest = (spec: object): readonly (boolean | undefined)[] => {
    const { ingress, egress } = profile(spec);
    return [ingress, egress].map((rules) => rules.some(({ isRest }) => isRest));
  };
  const [allow, deny] = [[{ action: "Allow" }], [{ action: "Deny" }]];
  assert.deepEqual(rest({}), [false, false]);
  assert.deepEqual(rest({ ingress: allow, egress: deny }), [true, false]);
  assert.deepEqual(rest({ ingress: allow, otherwise: { ingress: "Continue" } }), [false, false]);
  assert.deepEqual(rest({ otherwise: { ingress: "Deny", egress: "Deny" } }), [true, true]);
  assert.deepEqual(rest({ otherwise: { egress: "Perhaps" } }), [false, true]);
});

test("what profiles deny comes before what they allow, and what no rule matches comes last", () => {
  const { ingress } = profile({ ingress: [{ action: "Allow" }, { action: "Deny" }, { action: "Allow" }] });
  assert.deepEqual(
    levelsOf("Profile", ingress).map(({ rule, level }) => [rule.index, level]),
    [
      [0, 1],
      [1, 0],
      [2, 1],
      [-1, 2],
    ],
  );
});

test("no namespace may have a profile that names none, or whose selector makes no sense", () => {
  assert.equal(profile({}).namespaces, undefined);
  assert.deepEqual(profile({ namespaceSelector: {} }).namespaces, []);
  const broken = profile({ namespaceSelector: { matchExpressions: [{ key: "a", operator: "Near" }] } });
  assert.equal(broken.namespaces, undefined);
  assert.match(broken.problems[0] ?? "", /^spec\.namespaceSelector: .*no namespace may have the profile$/);
});

test("machines are members by address, by network and by port", () => {
  const { addresses, ports, problems } = profile({
    addresses: ["192.0.2.7", "198.51.100.0/24", "2001:db8::7"],
    ports: ["tenant-vm1"],
  });
  assert.deepEqual(addresses.map(formatCidr), ["192.0.2.7/32", "198.51.100.0/24", "2001:db8::7/128"]);
  assert.deepEqual(ports, ["tenant-vm1"]);
  assert.deepEqual(problems, []);
});

test("what makes no sense closes, and is named with its place", () => {
  for (const [spec, said] of [
    [{ addresses: ["192.0.2.7/24"] }, 'spec.addresses[0]: "192.0.2.7/24" is no address and no CIDR'],
    [{ addresses: ["0.0.0.0/0"] }, "spec.addresses[0]: is every address"],
    [{ addresses: "192.0.2.7" }, "spec.addresses: is no list"],
    [{ ports: [7] }, "spec.ports[0]: is no name"],
    [{ ports: Array(1001).fill("a") }, "spec.ports: has 1001 entries, and at most 1000 are served"],
    [{ assignment: "Never" }, "spec.assignment: is neither"],
    [{ ingress: {} }, "spec.ingress: is no list"],
    [{ ingress: [{ action: "Drop" }] }, "spec.ingress[0].action: is neither"],
    [{ ingress: [{ action: "Deny", from: {} }] }, "spec.ingress[0].from: names neither"],
    [{ ingress: [{ action: "Deny", from: { pods: {} } }] }, "spec.ingress[0].from: names neither"],
    [{ ingress: [{ action: "Deny", from: { profiles: ["A"] } }] }, 'spec.ingress[0].from.profiles[0]: "A"'],
    [
      { ingress: [{ action: "Deny", from: { cidrs: ["10.0.0.1/8"] } }] },
      'spec.ingress[0].from.cidrs[0]: "10.0.0.1/8"',
    ],
    [{ egress: [{ action: "Deny", ports: [{ port: 0 }] }] }, "spec.egress[0].ports[0]: is no port"],
    [
      { egress: [{ action: "Deny", ports: [{ port: 9, endPort: 8 }] }] },
      "spec.egress[0].ports[0]: is no port",
    ],
    [{ egress: [{ action: "Deny", ports: [{}] }] }, "spec.egress[0].ports[0]: is no port"],
    [{ egress: [{ action: "Deny", ports: [{ protocol: "ICMP" }] }] }, "spec.egress[0].ports[0]: is no port"],
    [
      { egress: [{ action: "Deny", ports: [{ port: "x".repeat(300) }] }] },
      "spec.egress[0].ports[0]: is no port",
    ],
    [{ otherwise: { ingress: "Allow" } }, "spec.otherwise.ingress: is neither"],
  ] as const)
    assert.ok(
      profile(spec).problems.some((problem) => problem.startsWith(said)),
      `${said} among ${profile(spec).problems.join("; ")}`,
    );
  const denied = profile({ egress: [{ action: "Deny", to: { profiles: ["qa", "Q"] } }] }).egress;
  assert.deepEqual(
    denied.map(({ peers }) =>
      peers.map((peer) => (peer.kind === "network" ? formatCidr(peer.range) : peer.kind)),
    ),
    [["0.0.0.0/0", "::/0"]],
  );
  const allowed = profile({ ingress: [{ action: "Allow", from: { profiles: ["qa", "Q"] } }] }).ingress;
  assert.deepEqual(allowed[0]?.peers, [podsWithProfile("qa")]);
});
