import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterNetworkPolicyOf } from "../../kube/clusterNetworkPolicy.ts";
import type { ClusterPolicy } from "../../kube/clusterPolicy.ts";
import { Interner } from "../../kube/intern.ts";
import type { NetworkPolicy } from "../../kube/networkPolicy.ts";
import type { LabelSelector, Pod } from "../../kube/objects.ts";
import { aPolicy } from "../../kube/policyFixture.ts";
import { securityProfileOf } from "../../kube/securityProfile.ts";
import { isAtLeast } from "../../kube/version.ts";
import { doubtAbout, type Policies } from "./openProof.ts";

const pod: Pod = {
  kind: "Pod",
  namespace: "shop",
  name: "web",
  uid: "u1",
  resourceVersion: "100",
  labels: { app: "web" },
  annotations: {},
  deletionTimestamp: undefined,
  nodeName: "n1",
  hostNetwork: false,
  phase: "Pending",
  podIps: [],
};
const wanted = { namespace: "shop", name: "web", uid: "u1" };

const policy = (namespace: string, podSelector: LabelSelector): NetworkPolicy =>
  aPolicy("p", { namespace, resourceVersion: "50", podSelector });

/** Knows everything up to a version. */
const knowing = (
  resourceVersion: string,
  policies: readonly NetworkPolicy[] = [],
  synced = true,
  ofCluster: readonly ClusterPolicy[] = [],
): Policies => ({
  synced,
  knows: (pod) => isAtLeast(resourceVersion, pod.resourceVersion),
  by: (_, namespace) => policies.filter((each) => each.namespace === namespace),
  ofCluster: () => ofCluster,
  subscribe: () => () => undefined,
});

const web: LabelSelector = [{ key: "app", operator: "In", values: ["web"] }];
const db: LabelSelector = [{ key: "app", operator: "In", values: ["db"] }];

test("it is proven once all policies up to the pod's version are known and none selects it", () => {
  assert.equal(doubtAbout(wanted, pod, knowing("100")), undefined);
  assert.equal(
    doubtAbout(wanted, pod, knowing("101", [policy("shop", db), policy("other", web)])),
    undefined,
  );
});

test("versions are compared as numbers, of any length", () => {
  const long = { ...pod, resourceVersion: "9007199254740993" };
  assert.match(
    doubtAbout(wanted, long, knowing("9007199254740992")) ?? "",
    /every policy that is older than the pod/,
  );
  assert.equal(doubtAbout(wanted, long, knowing("9007199254740993")), undefined);
  assert.match(doubtAbout(wanted, pod, knowing("99")) ?? "", /every policy that is older than the pod/);
});

test("whatever is missing, unparsable or about another pod proves nothing", () => {
  const doubts: readonly (readonly [string | undefined, RegExp])[] = [
    [doubtAbout({ ...wanted, uid: undefined }, pod, knowing("100")), /UID/],
    [doubtAbout(wanted, undefined, knowing("100")), /has not reported the pod/],
    [doubtAbout({ ...wanted, uid: "u2" }, pod, knowing("100")), /has not reported the pod/],
    [doubtAbout(wanted, pod, knowing("100", [], false)), /has not reported all policies/],
    [doubtAbout(wanted, pod, knowing("")), /every policy that is older than the pod/],
    [doubtAbout(wanted, pod, knowing("1e9")), /every policy that is older than the pod/],
    [
      doubtAbout(wanted, { ...pod, resourceVersion: "x" }, knowing("100")),
      /every policy that is older than the pod/,
    ],
    [doubtAbout(wanted, pod, knowing("100", [policy("shop", web)])), /NetworkPolicy shop\/p selects it/],
    [doubtAbout(wanted, pod, knowing("100", [policy("shop", [])])), /selects it/],
  ];
  for (const [doubt, expected] of doubts) assert.match(doubt ?? "", expected);
});

test("a static pod, which the runtime names by its file's hash, is proven by its mirror", () => {
  const mirror = { ...pod, annotations: { "kubernetes.io/config.hash": "hash" } };
  assert.equal(doubtAbout({ ...wanted, uid: "hash" }, mirror, knowing("100")), undefined);
  assert.match(doubtAbout({ ...wanted, uid: "another" }, mirror, knowing("100")) ?? "", /has not reported/);
});

const ofCluster = (
  subject: object,
  ingress: readonly object[] = [],
  egress: readonly object[] = [],
): ClusterPolicy =>
  clusterNetworkPolicyOf(
    {
      metadata: { name: "all", uid: "all", resourceVersion: "1" },
      spec: { tier: "Admin", priority: 1, subject, ingress, egress },
    },
    new Interner(),
  ) ?? assert.fail("it has an identity");
const named = (...values: readonly string[]) => ({
  namespaces: { matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values }] },
});
const others = { pods: { namespaceSelector: {}, podSelector: { matchLabels: { app: "db" } } } };

test("a policy of the whole cluster is a doubt where it may select the pod by labels that the agent does not know", () => {
  const doubt = (...policies: readonly ClusterPolicy[]) =>
    doubtAbout(wanted, pod, knowing("100", [], true, policies)) ?? "";
  assert.match(
    doubt(ofCluster({ namespaces: { matchLabels: { team: "a" } } })),
    /ClusterNetworkPolicy all may be/,
  );
  assert.match(doubt(ofCluster(named("shop"))), /may be about it/);
  assert.equal(doubt(ofCluster(named("bank", "zoo"))), "");
  assert.equal(doubt(ofCluster(others)), "");
});

test("so is one that closes others to the pod, and one that closes networks when pods are passed on before it", () => {
  const doubt = (...policies: readonly ClusterPolicy[]) =>
    doubtAbout(wanted, pod, knowing("100", [], true, policies)) ?? "";
  const from = [named("shop")];
  assert.match(doubt(ofCluster(others, [{ action: "Deny", from }])), /may be about it/);
  assert.equal(doubt(ofCluster(others, [{ action: "Accept", from }])), "");
  const closing = ofCluster(others, [], [{ action: "Deny", to: [{ networks: ["0.0.0.0/0"] }] }]);
  assert.equal(doubt(closing), "");
  assert.match(doubt(closing, ofCluster(others, [{ action: "Pass", from: [others] }])), /may be about it/);
});

const profile = (name: string, spec: object): ClusterPolicy =>
  securityProfileOf({ metadata: { name, uid: name, resourceVersion: "1" }, spec }, new Interner()) ??
  assert.fail("it has an identity");

test("a pod that asks for a security profile has no open port, whether the profile exists or not", () => {
  const asking: Pod = { ...pod, profiles: { names: ["dev"], problem: undefined } };
  assert.match(doubtAbout(wanted, asking, knowing("100")) ?? "", /asks for security profiles/);
});

test("a security profile is a doubt where the pod's namespace may always have it, and it or another one has rules for it", () => {
  const doubt = (...policies: readonly ClusterPolicy[]) =>
    doubtAbout(wanted, pod, knowing("100", [], true, policies)) ?? "";
  const egress = [{ action: "Deny", to: { profiles: ["qa"] } }];
  const namespaceSelector = { matchLabels: { stage: "dev" } };
  const always = { namespaceSelector, assignment: "Always" };
  assert.match(doubt(profile("dev", { ...always, egress })), /SecurityProfile dev may be about it/);
  assert.equal(doubt(profile("dev", { namespaceSelector, egress })), "");
  const elsewhere = { namespaceSelector: named("bank").namespaces, assignment: "Always" };
  assert.equal(doubt(profile("dev", { ...elsewhere, egress })), "");
  const closing = profile("qa", { ingress: [{ action: "Deny", from: { profiles: ["dev"] } }] });
  assert.match(doubt(profile("dev", always), closing), /may be about it/);
  assert.equal(doubt(profile("dev", elsewhere), closing), "");
});
