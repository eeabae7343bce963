import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkPolicy } from "../kube/networkPolicy.ts";
import type { LabelSelector } from "../kube/objects.ts";
import { parseCidr, parseIp } from "../model/ip.ts";
import { Fed } from "./fedFixture.ts";
import { blockIdOf, Groups, idOf, subjectsOf } from "./groups.ts";
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

test("a block is a group as long as a policy allows it, and knows which addresses are in it", async () => {
  const groups = await world();
  const cidr = (text: string) => parseCidr(text) ?? assert.fail(text);
  const ip = (text: string) => parseIp(text) ?? assert.fail(text);
  const block = { kind: "block", range: cidr("172.30.0.0/24"), except: [cidr("172.30.0.12/32")] } as const;
  const everything = { kind: "block", range: cidr("0.0.0.0/0"), except: [] } as const;
  const allowing: NetworkPolicy = {
    ...policy("one", label("db")),
    egress: [{ peers: [block, everything], ports: undefined }],
  };
  const id = blockIdOf(block) ?? assert.fail("it has an id");
  assert.equal(blockIdOf(everything), undefined);
  const begun = groups.use("a", allowing);
  assert.deepEqual(
    begun.filter(({ role }) => role === "block"),
    [{ role: "block", id }],
  );
  const found = ["172.30.0.11", "172.30.0.12", "172.30.1.1", "fd00::1"].map((text) =>
    groups.blocksWith(ip(text)),
  );
  assert.deepEqual(found, [[id], [], [], []]);
  assert.deepEqual(groups.use("b", { ...allowing, name: "two" }), []);
  groups.use("a", undefined);
  assert.ok(groups.isUsed("block", id));
  assert.ok(groups.use("b", undefined).some((group) => group.role === "block" && group.id === id));
  assert.deepEqual(groups.blocksWith(ip("172.30.0.11")), []);
});
