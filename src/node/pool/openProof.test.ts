import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkPolicy } from "../../kube/networkPolicy.ts";
import type { LabelSelector, Pod } from "../../kube/objects.ts";
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

const policy = (namespace: string, podSelector: LabelSelector): NetworkPolicy => ({
  kind: "NetworkPolicy",
  namespace,
  name: "p",
  uid: "p",
  resourceVersion: "50",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
  podSelector,
  ingress: [],
  egress: undefined,
  problems: [],
});

/** Knows everything up to a version. */
const knowing = (
  resourceVersion: string,
  policies: readonly NetworkPolicy[] = [],
  synced = true,
): Policies => ({
  synced,
  knows: (pod) => isAtLeast(resourceVersion, pod.resourceVersion),
  by: (_, namespace) => policies.filter((each) => each.namespace === namespace),
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
    /every NetworkPolicy that is older than the pod/,
  );
  assert.equal(doubtAbout(wanted, long, knowing("9007199254740993")), undefined);
  assert.match(
    doubtAbout(wanted, pod, knowing("99")) ?? "",
    /every NetworkPolicy that is older than the pod/,
  );
});

test("whatever is missing, unparsable or about another pod proves nothing", () => {
  const doubts: readonly (readonly [string | undefined, RegExp])[] = [
    [doubtAbout({ ...wanted, uid: undefined }, pod, knowing("100")), /UID/],
    [doubtAbout(wanted, undefined, knowing("100")), /has not reported the pod/],
    [doubtAbout({ ...wanted, uid: "u2" }, pod, knowing("100")), /has not reported the pod/],
    [doubtAbout(wanted, pod, knowing("100", [], false)), /has not reported NetworkPolicies/],
    [doubtAbout(wanted, pod, knowing("")), /every NetworkPolicy that is older than the pod/],
    [doubtAbout(wanted, pod, knowing("1e9")), /every NetworkPolicy that is older than the pod/],
    [
      doubtAbout(wanted, { ...pod, resourceVersion: "x" }, knowing("100")),
      /every NetworkPolicy that is older than the pod/,
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
