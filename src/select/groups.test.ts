import assert from "node:assert/strict";
import { test } from "node:test";
import type { NetworkPolicy } from "../kube/networkPolicy.ts";
import type { LabelSelector } from "../kube/objects.ts";
import { aPolicy } from "../kube/policyFixture.ts";
import { formatIp, parseCidr, parseIp } from "../model/ip.ts";
import { Fed } from "./fedFixture.ts";
import { type GroupChange, Groups } from "./groups.ts";
import { groupsOfNetworkPolicy, nodesIn, subjectsOf } from "./networkPolicyGroups.ts";
import { nodeGroupId } from "./nodeGroup.ts";
import { idOf, narrowed, wholeGroup } from "./podGroup.ts";
import { namespaceFixture, podFixture } from "./selectFixture.ts";
import { everyPod, labelSelection, oneNamespace } from "./selection.ts";

const label = (value: string): LabelSelector => [{ key: "app", operator: "In", values: [value] }];

const policy = (name: string, podSelector: LabelSelector, allowed?: LabelSelector): NetworkPolicy =>
  aPolicy(name, {
    podSelector,
    ingress: allowed && [
      { peers: [{ kind: "pods", namespaces: undefined, pods: allowed }], ports: undefined },
    ],
  });
const named = (...words: Parameters<typeof policy>) => groupsOfNetworkPolicy(policy(...words));

async function world() {
  const [subject, peer] = [new Fed(), new Fed()];
  const cluster = {
    pods: ["web", "db"].map((app, index) =>
      podFixture("shop", app, { app }, { podIps: [`10.0.0.${index}`, `fd00::${index}`] }),
    ),
    namespaces: [namespaceFixture("shop", {})],
  };
  await Promise.all([subject.show(cluster), peer.show(cluster)]);
  return new Groups({ subject: subject.source, peer: peer.source });
}

test("policies that select alike share a group, which lives as long as one of them", async () => {
  const groups = await world();
  const id = idOf(subjectsOf(policy("one", label("db"))));
  assert.deepEqual(groups.use("a", named("one", label("db"))).groups, [{ role: "subject", id }]);
  assert.deepEqual(groups.use("b", named("other", label("db"))).groups, []);
  assert.deepEqual(groups.use("a", undefined).groups, []);
  assert.ok(groups.isUsed("subject", id));
  assert.deepEqual(groups.use("b", undefined).groups, [{ role: "subject", id }]);
  assert.ok(!groups.isUsed("subject", id));
});

test("a selection may be subject to one policy and peer of another", async () => {
  const groups = await world();
  groups.use("a", named("one", label("db"), label("web")));
  groups.use("b", named("other", label("web")));
  const idsOf = (role: "subject" | "peer", pod: string) =>
    groups.membershipsOf(role, "shop", pod).map(({ id }) => id);
  const web = idOf(subjectsOf(policy("", label("web"))));
  assert.deepEqual([idsOf("subject", "web"), idsOf("peer", "web")], [[web], [web]]);
  assert.deepEqual([idsOf("subject", "db").length, idsOf("peer", "db").length], [1, 0]);
});

test("a policy that changes gives up what it no longer speaks of", async () => {
  const groups = await world();
  groups.use("a", named("one", label("db"), label("web")));
  const roles = groups.use("a", named("one", label("db"))).groups.map(({ role }) => role);
  assert.deepEqual(roles, ["peer"]);
  assert.deepEqual(groups.membershipsOf("peer", "shop", "web"), []);
});

test("the blocks of a rule are a group as long as a policy allows them, of the nodes that have an address in one of them", async () => {
  const groups = await world();
  const cidr = (text: string) => parseCidr(text) ?? assert.fail(text);
  const ip = (text: string) => parseIp(text) ?? assert.fail(text);
  const block = { kind: "block", range: cidr("172.30.0.0/24"), except: [cidr("172.30.0.12/32")] } as const;
  const other = { kind: "block", range: cidr("172.30.2.0/24"), except: [] } as const;
  const everything = { kind: "block", range: cidr("0.0.0.0/0"), except: [] } as const;
  const allowing = groupsOfNetworkPolicy({
    ...policy("one", label("db")),
    egress: [
      { peers: [block, other], ports: undefined },
      { peers: [everything, other], ports: undefined },
    ],
  });
  const id = nodeGroupId(nodesIn({ peers: [other, block, other] })) ?? assert.fail("it has an id");
  assert.equal(nodeGroupId(nodesIn({ peers: [everything, other] })), undefined, "it has every address");
  const begun = groups.use("a", allowing).groups;
  assert.deepEqual(
    begun.filter(({ role }) => role === "block"),
    [{ role: "block", id }],
  );
  const management = ip("10.244.0.2");
  const found = ["172.30.0.11", "172.30.0.12", "172.30.1.1", "172.30.2.1"].map((text) =>
    groups.nodeMemberships({
      labels: {},
      hostAddresses: [ip(text)],
      standIns: [{ host: ip(text), management }],
    }),
  );
  const member = [{ id, addresses: [management] }];
  assert.deepEqual(found, [member, [], [], member]);
  assert.deepEqual(groups.use("b", allowing).groups, []);
  groups.use("a", undefined);
  assert.ok(groups.isUsed("block", id));
  assert.ok(groups.use("b", undefined).groups.some((group) => group.role === "block" && group.id === id));
  const node = { labels: {}, hostAddresses: [], standIns: [{ host: ip("172.30.0.11"), management }] };
  assert.deepEqual(groups.nodeMemberships(node), []);
});

const narrow =
  narrowed(everyPod, {
    except: [labelSelection(oneNamespace("shop"), label("db"))],
    within: [parseCidr("10.0.0.0/24") ?? assert.fail()],
  }) ?? assert.fail("somebody is left");

test("a group without another selection has who is not in that, with the addresses in its networks", async () => {
  const groups = await world();
  const id = idOf(narrow);
  groups.use("a", { subject: [], peer: [narrow], nodes: [] });
  const addresses = (pod: string) =>
    groups.membershipsOf("peer", "shop", pod).map((one) => [one.id, one.addresses.map(formatIp)]);
  assert.deepEqual([addresses("web"), addresses("db")], [[[id, ["10.0.0.0"]]], []]);
  assert.deepEqual(
    [...groups.members("peer", narrow)].map(({ pod }) => pod),
    ["web"],
  );
});

test("the groups that are meant for a pod follow from its labels, before anybody has heard of its place", async () => {
  const groups = await world();
  groups.use("a", { subject: [], peer: [narrow], nodes: [] });
  groups.use("b", named("one", label("db")));
  const at = ["10.0.0.9", "10.0.1.9"].map((text) => parseIp(text) ?? assert.fail());
  const meant = (app: string) => {
    const { subject, peer } = groups.meantFor(
      { namespace: "shop", labels: { app }, namespaceLabels: undefined },
      at,
    );
    return [subject.size, [...peer].map(([id, there]) => [id, there.map(formatIp)])];
  };
  assert.deepEqual(meant("db"), [1, []]);
  assert.deepEqual(meant("new"), [0, [[idOf(narrow), ["10.0.0.9"]]]]);
});

test("members of a selection that is in use already are named when another group is made of it, or one ends", async () => {
  const groups = await world();
  groups.use("a", { subject: [], peer: [wholeGroup(everyPod)], nodes: [] });
  const podsOf = ({ places }: GroupChange) => [...places].map(({ pod }) => pod);
  const rest = narrowed(everyPod, { except: [subjectsOf(policy("", label("db"))).of] }) ?? assert.fail();
  groups.use("b", { subject: [], peer: [subjectsOf(policy("", label("db")))], nodes: [] });
  assert.deepEqual(podsOf(groups.use("c", { subject: [], peer: [rest], nodes: [] })), ["web"]);
  assert.deepEqual(podsOf(groups.use("d", { subject: [], peer: [rest], nodes: [] })), []);
  assert.deepEqual(podsOf(groups.use("c", undefined)), []);
  assert.deepEqual(podsOf(groups.use("d", undefined)), ["web"]);
});
