import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../kube/clock.ts";
import { aPolicy } from "../kube/policyFixture.ts";
import { Fed } from "../select/fedFixture.ts";
import { Groups } from "../select/groups.ts";
import { groupsOfNetworkPolicy } from "../select/networkPolicyGroups.ts";
import { namespaceFixture, podFixture } from "../select/selectFixture.ts";
import { PolicyMembers } from "./policyMembers.ts";

/** Two policies select all pods of `shop`: `web` on chassis c1, and `db`, which no chassis carries yet. */
async function world() {
  const [subject, peer] = [new Fed(), new Fed()];
  const groups = new Groups({ subject: subject.source, peer: peer.source });
  const owners = ["networkpolicy/shop/a", "networkpolicy/shop/b"];
  for (const [index, owner] of owners.entries())
    groups.use(owner, groupsOfNetworkPolicy(aPolicy(`p${index}`, {})));
  const cluster = {
    pods: ["web", "db"].map((name, nth) => podFixture("shop", name, {}, { podIps: [`10.0.0.${nth}`] })),
    namespaces: [namespaceFixture("shop", {})],
  };
  for (const fed of [subject, peer]) await fed.show(cluster);
  const is = { complete: false };
  const seen = { looks: 0 };
  const members = new PolicyMembers({
    groups,
    observed: {
      hasMembers: () => {
        seen.looks++;
        return is.complete;
      },
      ports: {
        chassisOf: (port) => (port.includes("web") ? "c1" : undefined),
        chassisOfMachine: (port) => (port === "vm-1" ? "c2" : undefined),
      },
    },
    machinesOf: (policy) => (policy === owners[0] ? ["vm-1", "vm-2"] : []),
    isCommitted: () => true,
    clock: {
      ...systemClock,
      after: (_, action) => {
        const next = setImmediate(action);
        return () => clearImmediate(next);
      },
    },
    signal: new AbortController().signal,
  });
  return { groups, members, owners, is, seen };
}

test("whoever waits for policies of the same pods shares one look, and afterwards nobody looks", async () => {
  const { members, owners, is, seen } = await world();
  let isFiled = false;
  const all = Promise.all(owners.map((owner) => members.filed(owner))).then(() => void (isFiled = true));
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.ok(!isFiled);
  const { looks } = seen;
  is.complete = true;
  await all;
  assert.equal(seen.looks, looks + 1);
  await members.filed(owners[0] ?? "");
  assert.equal(seen.looks, looks + 1);
});

test("a group that is used again after an end is looked at again", async () => {
  const { groups, members, owners, is, seen } = await world();
  is.complete = true;
  const [owner = "", other = ""] = owners;
  await members.filed(owner);
  const { looks } = seen;
  for (const one of [owner, other]) groups.use(one, undefined);
  groups.use(owner, groupsOfNetworkPolicy(aPolicy("p0", {})));
  await members.filed(owner);
  assert.equal(seen.looks, looks + 1);
});

test("the chassis of a policy are those that carry pods which it selects, and machines", async () => {
  const { members, owners } = await world();
  assert.deepEqual(members.carriers(owners[0] ?? ""), new Set(["c1", "c2"]));
  assert.deepEqual(members.carriers(owners[1] ?? ""), new Set(["c1"]));
});
