import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkPolicy } from "../kube/networkPolicy.ts";
import type { LabelSelector } from "../kube/objects.ts";
import { Fed } from "./fedFixture.ts";
import { Groups, idOf, subjectsOf } from "./groups.ts";
import { namespaceFixture, podFixture } from "./selectFixture.ts";

const label = (value: string): LabelSelector => [{ key: "app", operator: "In", values: [value] }];

const policy = (name: string, podSelector: LabelSelector, allowed?: LabelSelector): NetworkPolicy => ({
  kind: "NetworkPolicy",
  namespace: "shop",
  name,
  uid: name,
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
  podSelector,
  ingress: allowed && [{ peers: [{ kind: "pods", namespaces: undefined, pods: allowed }], ports: undefined }],
  egress: undefined,
  problems: [],
});

async function world() {
  const [subject, peer] = [new Fed(), new Fed()];
  const cluster = {
    pods: ["web", "db"].map((app, index) =>
      podFixture("shop", app, { app }, { podIps: [`10.0.0.${index}`] }),
    ),
    namespaces: [namespaceFixture("shop", {})],
  };
  await Promise.all([subject.show(cluster), peer.show(cluster)]);
  return new Groups({ subject: subject.source, peer: peer.source });
}

test("policies that select alike share a group, which lives as long as one of them", async () => {
  const groups = await world();
  const [one, other] = [policy("one", label("db")), policy("other", label("db"))];
  const id = idOf(subjectsOf(one));
  assert.deepEqual(groups.use("a", one), [{ role: "subject", id }]);
  assert.deepEqual(groups.use("b", other), []);
  assert.deepEqual(groups.use("a", undefined), []);
  assert.ok(groups.isUsed("subject", id));
  assert.deepEqual(groups.use("b", undefined), [{ role: "subject", id }]);
  assert.ok(!groups.isUsed("subject", id));
});

test("a selection may be subject to one policy and peer of another", async () => {
  const groups = await world();
  groups.use("a", policy("one", label("db"), label("web")));
  groups.use("b", policy("other", label("web")));
  const idsOf = (role: "subject" | "peer", pod: string) =>
    groups.membershipsOf(role, "shop", pod).map(({ selection }) => idOf(selection));
  const web = idOf(subjectsOf(policy("", label("web"))));
  assert.deepEqual([idsOf("subject", "web"), idsOf("peer", "web")], [[web], [web]]);
  assert.deepEqual([idsOf("subject", "db").length, idsOf("peer", "db").length], [1, 0]);
});

test("a policy that changes gives up what it no longer speaks of", async () => {
  const groups = await world();
  groups.use("a", policy("one", label("db"), label("web")));
  const roles = groups.use("a", policy("one", label("db"))).map(({ role }) => role);
  assert.deepEqual(roles, ["peer"]);
  assert.deepEqual(groups.membershipsOf("peer", "shop", "web"), []);
});
