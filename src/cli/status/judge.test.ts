import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicySummary } from "../../controller/policySummary.ts";
import type { LearnedName } from "../../kube/learnedName.ts";
import type { Node } from "../../kube/objects.ts";
import { annotations, namesOf } from "../../model/names.ts";
import { judge } from "./judge.ts";
import { namesReport } from "./names.ts";
import { printed } from "./print.ts";
import type { KubernetesView, Snapshot } from "./snapshot.ts";
import { bindings, kubernetes, kubernetesOf, node, pooledNode, port, snapshot } from "./statusFixture.ts";

test("a cluster in which nothing waits is healthy", () => {
  assert.equal(judge(snapshot()).sentence, "healthy: 1 node, 1 pod, 1 Service, 1 policy; nothing waits");
});

const late = { kind: "NetworkPolicy", policy: "shop/closed", waitsFor: "the controller to plan it" };
const policySentences: readonly (readonly [PolicySummary, string])[] = [
  [
    { inForce: 4, settling: 0, late: 0, first: [] },
    "healthy: 1 node, 1 pod, 1 Service, 4 policies in force; nothing waits",
  ],
  [
    { inForce: 3, settling: 1, late: 0, first: [] },
    "healthy: 1 node, 1 pod, 1 Service, 4 policies (1 on the way); nothing waits",
  ],
  [
    { inForce: 3, settling: 0, late: 1, first: [late] },
    "unhealthy: 1 policy not in force (shop/closed waits for the controller to plan it)",
  ],
  [
    { inForce: 0, settling: 0, late: 2, first: [{ ...late, kind: "ClusterPolicy", policy: "all" }] },
    "unhealthy: 2 policies not in force (all waits for the controller to plan it)",
  ],
];
for (const [policies, sentence] of policySentences)
  test(`what the leader says of policies is told: ${sentence}`, () => {
    const leader = { holder: "n1_17", silent: false, heldDeletions: "", troubles: new Map(), policies };
    const given = snapshot();
    const report = judge({ ...given, kubernetes: { ...kubernetesOf(given), leader } });
    assert.equal(report.sentence, sentence);
    assert.deepEqual(report.policies, policies);
    const [first] = policies.first;
    if (!first) return;
    assert.match(printed(report), new RegExp(`${first.policy} +${first.kind} +the controller to plan it`));
    const named = first.policy === "all" ? "clusterpolicy all" : "networkpolicy -n shop closed";
    assert.match(printed(report), new RegExp(`next: kubectl describe ${named}$`));
  });

test("what is known of domain names in policies is told", () => {
  const untilMs = 2_000;
  const learned = (pattern: string, generation: number, ...ips: readonly string[]) =>
    ({
      pattern,
      ...{ generation, inForce: 1 },
      addresses: new Map(
        ips.map((ip, nth) => [ip, { name: "a.example.com", untilMs: untilMs - nth * 1000 }]),
      ),
    }) as unknown as LearnedName;
  const of = (...all: readonly LearnedName[]) =>
    judge(snapshot({ kubernetes: { ...kubernetesOf(snapshot()), names: namesReport(all, 1_000) } }));
  assert.match(
    of(learned("a.example.com", 1, "192.0.2.1", "192.0.2.2")).sentence,
    /, 1 domain name with 1 address;/,
  );
  const report = of(learned("a.example.com", 1, "192.0.2.1"), learned("*.example.com", 2, "192.0.2.1"));
  assert.match(report.sentence, /, 2 domain names with 1 address \(1 on the way\);/);
  assert.deepEqual(report.names?.waiting, ["*.example.com"]);
  assert.equal(judge(snapshot()).names, undefined);
});

test("policies with parts that make no sense are listed, and are no reason to call a cluster unhealthy", () => {
  const given = snapshot();
  const malformed = Array.from({ length: 12 }, (_, index) => ({
    kind: "NetworkPolicy" as const,
    policy: `shop/odd-${index}`,
    problem: "spec: no",
  }));
  const report = judge({ ...given, kubernetes: { ...kubernetesOf(given), malformed } });
  assert.equal(report.health, "healthy");
  assert.equal(report.malformed.length, 12);
  assert.equal(printed(report).match(/shop\/odd-\d+ +NetworkPolicy +spec: no/g)?.length, 10);
});

test("what nobody from outside reaches is listed with the reason, and is no reason to call a cluster unhealthy", () => {
  const unreached = Array.from({ length: 12 }, (_, index) => ({
    kind: "FloatingAddress" as const,
    object: `shop/mail-${index}`,
    why: "no pool has a free address",
  }));
  const report = judge(kubernetes({ unreached }));
  assert.equal(report.health, "healthy");
  assert.equal(report.unreached.length, 12);
  assert.equal(printed(report).match(/shop\/mail-\d+ +FloatingAddress +no pool has/g)?.length, 10);
  assert.match(printed(report), /^not reached from outside: 12 objects; -o json names all$/m);
  assert.doesNotMatch(printed(judge(snapshot())), /reached/);
});

test("pods that are closed for a security profile are counted, and are no reason to call a cluster unhealthy", () => {
  const given = snapshot();
  assert.ok(!("unreachable" in given.northbound));
  assert.doesNotMatch(printed(judge(given)), /closed:/);
  const report = judge({ ...given, northbound: { ...given.northbound, closedPods: 2 } });
  assert.equal(report.health, "healthy");
  assert.match(printed(report), /^closed: 2 pods for a security profile that is not for them; kubectl get /m);
});

const waits: readonly [string, Snapshot, string][] = [
  ["has no address", snapshot({}, { annotations: {} }), "address"],
  [
    "finds somebody else's port in place of its own",
    snapshot(
      {
        northbound: {
          clusters: new Set(["demo"]),
          ports: new Set([port]),
          foreignPorts: new Set([port]),
          nbCfg: 1,
          sbCfg: 1,
          hvCfg: 1,
        },
      },
      { annotations: {} },
    ),
    "address",
  ],
  [
    "has no port row",
    snapshot({
      northbound: {
        clusters: new Set(["demo"]),
        ports: new Set(),
        foreignPorts: new Set<string>(),
        nbCfg: 1,
        sbCfg: 1,
        hvCfg: 1,
      },
    }),
    "northbound",
  ],
  [
    "northd has not seen",
    snapshot({ southbound: { chassis: new Map([["c1", 1]]), expected: 1, bindings: new Map() } }),
    "southbound",
  ],
  ["no node has bound", snapshot(bindings(false, false)), "node"],
  ["has no flows yet", snapshot(bindings(true, false)), "flows"],
];
for (const [why, given, step] of waits) {
  test(`a pod that ${why} waits for the step "${step}", and the next command names it`, () => {
    const report = judge(given);
    assert.equal(report.health, "unhealthy");
    assert.equal(report.sentence, "unhealthy: 1 pod waiting for the network");
    assert.deepEqual(
      report.waiting.map((each) => each.step),
      [step],
    );
    assert.match(printed(report), /next: kubectl describe pod -n shop web$/);
  });
}

test("a pod with a port of its node's pool is judged by that port, and a virtual machine needs no chassis", () => {
  const pooled = namesOf("demo").poolPort("n1", 5);
  const given = snapshot(
    {
      northbound: {
        clusters: new Set(["demo"]),
        ports: new Set([pooled]),
        foreignPorts: new Set<string>(),
        nbCfg: 1,
        sbCfg: 1,
        hvCfg: 1,
      },
      southbound: {
        chassis: new Map(),
        expected: 1,
        bindings: new Map([[pooled, { bound: true, up: true }]]),
      },
    },
    { annotations: {} },
    pooledNode,
  );
  const report = judge(given);
  assert.equal(report.health, "healthy");
  assert.deepEqual(report.nodes[0]?.pool, { ports: 2, used: 1 });
  assert.match(printed(report), /^n1 .* 1\/2 /m);
});

test("pods on the host's network, finished ones and leaving ones wait for nothing", () => {
  for (const change of [
    { hostNetwork: true },
    { phase: "Succeeded" as const },
    { deletionTimestamp: "now" },
    { nodeName: "" },
  ])
    assert.equal(judge(snapshot({}, { annotations: {}, ...change })).health, "healthy");
});

test("a node whose ovn-controller is gone, behind, or whose agent is not ready has a problem", () => {
  const gone = snapshot({
    southbound: { chassis: new Map(), expected: 1, bindings: new Map([[port, { bound: true, up: true }]]) },
  });
  assert.match(judge(gone).nodes[0]?.problem ?? "", /is ovn-controller running\?/);
  assert.match(
    judge(snapshot({}, {}, { networkUnavailable: true })).nodes[0]?.problem ?? "",
    /agent is not ready/,
  );
  assert.match(judge(snapshot({}, {}, { annotations: {} })).nodes[0]?.problem ?? "", /has no subnet/);
});

test("two nodes with one system-id are both named, with the id", () => {
  const { kubernetes } = snapshot();
  assert.ok(!("unreachable" in kubernetes));
  const nodes = [...kubernetes.nodes, { ...node, name: "n2" }];
  const report = judge(snapshot({ kubernetes: { ...kubernetes, nodes } }));
  assert.match(
    report.sentence,
    /^unhealthy: 2 nodes with a problem \(the worst, n1: has the same system-id as n2/,
  );
  assert.deepEqual(
    report.nodes.map(({ problem }) => problem),
    ["n2", "n1"].map((twin) => `has the same system-id as ${twin}: c1; its Events say which to change`),
  );
});

test("a leader that is silent is named", () => {
  const { kubernetes, ...rest } = snapshot();
  assert.ok("nodes" in kubernetes);
  const leader = { holder: "n1_17", silent: true, heldDeletions: "", troubles: new Map() };
  assert.equal(
    judge({ ...rest, kubernetes: { ...kubernetes, leader } }).sentence,
    "unhealthy: no controller leads (n1_17 is silent)",
  );
});

test("a source that does not answer makes the answer unknown, and the rest is still judged", () => {
  const report = judge(snapshot({ southbound: { unreachable: "connection refused" } }, { annotations: {} }));
  assert.equal(report.health, "unknown");
  assert.equal(report.sentence, "cannot tell: southbound: connection refused; 1 pod waiting for the network");
  assert.equal(report.lag.southboundToNodes, undefined);
});

test("a leader that holds deletions back is unhealthy and says which", () => {
  const base = snapshot();
  assert.ok("nodes" in base.kubernetes);
  const leader = {
    holder: "n1_17",
    silent: false,
    heldDeletions: "deletion of 57 of 60 rows is held",
    troubles: new Map(),
  };
  const report = judge({ ...base, kubernetes: { ...base.kubernetes, leader } });
  assert.equal(report.sentence, "unhealthy: the controller holds deletions back");
  assert.match(printed(report), /^held: deletion of 57 of 60 rows is held$/m);
  assert.match(printed(report), /^next: .*SIGUSR2 to the leader$/m);
});

const condition = (reason: string, message: string): Partial<Node> => ({
  networkUnavailable: true,
  networkCondition: { reason, message },
});

const nodeFaults: readonly [string, string, RegExp][] = [
  ["VswitchdDown", "ovs-vswitchd is not running", /next: on n1: ovs-appctl -t ovs-vswitchd version;/],
  ["OvnControllerDown", "ovn-controller is not running", /next: on n1: ovn-appctl -t ovn-controller /],
  ["AgentSilent", "the agent has not renewed its Lease", /next: on n1: curl .*readyz; start the Weft agent/],
  ["FlowsMissing", "br-int has none of ovn-controller's flows", /next: on n1: restart ovn-controller/],
  ["HostNetworkContested", "somebody keeps changing it", /next: on n1: find what sets it/],
];
for (const [reason, message, next] of nodeFaults)
  test(`a node that says ${reason} is unhealthy in these words, with the command that helps there`, () => {
    const report = judge(snapshot({}, {}, condition(reason, message)));
    assert.equal(report.sentence, `unhealthy: 1 node with a problem (n1: ${message})`);
    assert.match(printed(report), next);
  });

test("a node that has lost a part of its way out is a problem, though pods can start there", () => {
  const networkDegraded = { reason: "DefaultRouteLost", message: "there is no IPv4 default route any more" };
  const report = judge(snapshot({}, {}, { networkDegraded }));
  assert.equal(
    report.sentence,
    "unhealthy: 1 node with a problem (n1: there is no IPv4 default route any more)",
  );
  assert.match(report.next, /^on n1: ip address show dev br-ex/);
});

test("of several sick nodes the first line names the worst", () => {
  const sick = (name: string, reason: string): Node => ({
    ...node,
    ...condition(reason, reason),
    name,
    annotations: { ...node.annotations, [annotations.nodeChassisId]: `chassis-of-${name}` },
  });
  const nodes = [sick("n1", "SouthboundUnreachable"), sick("n2", "VswitchdDown"), sick("n3", "AgentSilent")];
  const { sentence, next } = judge(kubernetes({ nodes }));
  assert.equal(sentence, "unhealthy: 3 nodes with a problem (the worst, n2: VswitchdDown)");
  assert.match(next, /^on n2: /);
});

const said = (part: "api" | "northd" | "agents", what: string): Partial<KubernetesView> => ({
  leader: { holder: "n1_17", silent: false, heldDeletions: "", troubles: new Map([[part, what]]) },
});

test("what the leader sees that does not work is on the first line, before waiting pods", () => {
  const report = judge(
    kubernetes(said("northd", "ovn-northd does not follow the northbound database"), bindings(false, false)),
  );
  assert.equal(
    report.sentence,
    "unhealthy: ovn-northd does not follow the northbound database, 1 pod waiting for the network",
  );
  assert.match(report.next, /ovn-appctl -t ovn-northd status/);
  assert.match(judge(kubernetes(said("api", "no news of Service: 403"))).next, /kubectl auth can-i/);
});

test("silent agents are told with their nodes, and by themselves when no node says so", () => {
  assert.match(
    judge(kubernetes(said("agents", "no sign of life from 40"))).sentence,
    /no sign of life from 40$/,
  );
  const nodes = [{ ...node, ...condition("AgentSilent", "gone") }];
  const told = judge(kubernetes({ ...said("agents", "no sign of life"), nodes }));
  assert.equal(told.sentence, "unhealthy: 1 node with a problem (n1: gone)");
});

test("without a leader, a northd that is behind is seen in the databases", () => {
  const northbound = {
    clusters: new Set(["demo"]),
    ports: new Set([port]),
    foreignPorts: new Set<string>(),
    nbCfg: 3,
    sbCfg: 2,
    hvCfg: 2,
  };
  assert.match(
    judge(kubernetes({ leader: undefined }, { northbound })).sentence,
    /^unhealthy: no controller leads, ovn-northd is behind: generation 2 of 3$/,
  );
});

test("a cluster that was never here is named as such, with those that are", () => {
  const northbound = {
    clusters: new Set(["weft"]),
    ports: new Set<string>(),
    foreignPorts: new Set<string>(),
    nbCfg: 1,
    sbCfg: 1,
    hvCfg: 1,
  };
  const report = judge(kubernetes({ leader: undefined }, { northbound }));
  assert.match(
    report.sentence,
    /^cannot tell: there is no cluster demo in this northbound database, only weft; /,
  );
  assert.match(printed(report), /next: weft status --cluster weft$/);
  // One that is only just beginning is not wrong.
  assert.equal(judge(kubernetes({}, { northbound })).health, "unhealthy");
});

test("a kind that the API server refuses makes the answer unknown, and the rest is still judged", () => {
  const report = judge(kubernetes({ refused: ["GET /api/v1/services: 403 Forbidden"] }));
  assert.equal(report.sentence, "cannot tell: kubernetes: GET /api/v1/services: 403 Forbidden");
  assert.equal(report.nodes.length, 1);
  assert.match(report.next, /kubectl auth can-i/);
});

test("a Lease that may not be read does not mean that nobody leads", () => {
  const report = judge(kubernetes({ leader: "unknown", refused: ["403"] }));
  assert.equal(report.sentence, "cannot tell: kubernetes: 403");
});

test("what is accepted and not served is counted", () => {
  const unserved = [
    { unserved: ["hostPort"] },
    { unserved: ["hostPort", "bandwidth"] },
    {},
    { unserved: [] },
  ];
  const report = judge(kubernetes({ unserved }));
  assert.match(report.sentence, /^healthy: .*; nothing waits; 2 objects ask for what Weft does not serve$/);
  assert.match(printed(report), /^not served: 2 × hostPort, 1 × bandwidth$/m);
  assert.match(printed(report), /next: kubectl get events -A --field-selector reason=NotServed$/);
});

test("a virtual machine whose hypervisor does not follow has a problem", () => {
  const pooled = namesOf("demo").poolPort("n1", 5);
  const given = (reached: number): Snapshot =>
    snapshot(
      {
        northbound: {
          clusters: new Set(["demo"]),
          ports: new Set([pooled]),
          foreignPorts: new Set<string>(),
          nbCfg: 7,
          sbCfg: 7,
          hvCfg: 7,
        },
        southbound: {
          chassis: new Map([
            ["hv1", reached],
            ["hv2", 3],
          ]),
          expected: 7,
          bindings: new Map([[pooled, { bound: true, up: true, chassis: "hv1" }]]),
        },
      },
      { annotations: {} },
      pooledNode,
    );
  assert.equal(judge(given(7)).health, "healthy");
  assert.match(
    judge(given(5)).sentence,
    /n1: ovn-controller of its hypervisor hv1 is behind: generation 5 of 7/,
  );
});
