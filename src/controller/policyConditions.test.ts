import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { silent, systemClock } from "../kube/clock.ts";
import { KubeError } from "../kube/error.ts";
import { Interner } from "../kube/intern.ts";
import { policyStores } from "../kube/policies.ts";
import type { PolicyCondition } from "../kube/policyCondition.ts";
import { aClusterPolicy, aPolicy } from "../kube/policyFixture.ts";
import { securityProfileOf } from "../kube/securityProfile.ts";
import { emptyStore } from "../kube/stores.ts";
import { PolicyConditions } from "./policyConditions.ts";
import type { PolicyState } from "./policyStates.ts";

const owner = "clusternetworkpolicy/teams";
const since = "2026-11-29T12:00:00Z";

/** The policy `teams`, written twice, is in force. What is written is on it at once. */
function world(refusals: KubeError[] = []) {
  const stores = policyStores(emptyStore);
  const put = (condition: PolicyCondition | undefined, generation = 2): void =>
    stores.ClusterNetworkPolicy.apply([
      { type: "put", object: aClusterPolicy("teams", { condition, generation }) },
    ]);
  put(undefined);
  const is: { state: PolicyState | undefined; malformed: string | undefined } = {
    state: { inForceSince: since, waitsFor: undefined },
    malformed: undefined,
  };
  const written: PolicyCondition[] = [];
  let [tries, now] = [0, 0];
  const conditions = new PolicyConditions({
    stores,
    stateOf: () => is.state,
    shortfallOf: () =>
      is.malformed === undefined ? undefined : { reason: "Malformed", message: is.malformed },
    write: async (_, condition) => {
      tries++;
      const refusal = refusals.shift();
      if (refusal) throw refusal;
      written.push(condition);
      put(condition, condition.observedGeneration);
    },
    clock: {
      ...systemClock,
      now: () => (now += 60_000),
      after: (_, action) => {
        const next = setImmediate(action);
        return () => clearImmediate(next);
      },
    },
    log: silent,
    signal: new AbortController().signal,
  });
  const look = async (): Promise<PolicyCondition | undefined> => {
    conditions.look(owner);
    for (let turns = 0; turns < 20; turns++) await turn();
    return written.at(-1);
  };
  return { stores, put, is, written, conditions, look, tries: () => tries };
}

const inForce: PolicyCondition = {
  status: "True",
  reason: "InForce",
  message: "installed on every node with a pod that it selects",
  observedGeneration: 2,
};

test("a policy says once that it is in force, and again when its author has changed it or removed that", async () => {
  const { look, put, written } = world();
  assert.deepEqual(await look(), inForce);
  await look();
  assert.equal(written.length, 1);
  put(inForce, 3);
  assert.deepEqual(await look(), { ...inForce, observedGeneration: 3 });
  put(undefined, 3);
  assert.deepEqual(await look(), { ...inForce, observedGeneration: 3 });
});

test("of one that says so already, nothing is written", async () => {
  const { look, put } = world();
  put(inForce);
  assert.equal(await look(), undefined);
});

test("nothing is said while a policy is on its way; when that takes long, what it waits for", async () => {
  const { look, is } = world();
  is.state = undefined;
  assert.equal(await look(), undefined);
  is.state = { inForceSince: undefined, waitsFor: "ovn-controller of node n1 to install it" };
  assert.deepEqual(await look(), {
    status: "False",
    reason: "NotInForce",
    message: "not in force yet: waits for ovn-controller of node n1 to install it",
    observedGeneration: 2,
  });
});

test("a policy of which a part has no effect is not in force as it is written", async () => {
  const { look, is } = world();
  is.malformed = "spec.tier: is neither Admin nor Baseline";
  assert.deepEqual(await look(), {
    status: "False",
    reason: "Malformed",
    message: is.malformed,
    observedGeneration: 2,
  });
  is.malformed = undefined;
  assert.deepEqual(await look(), inForce);
});

for (const [status, tries] of [
  [409, 2],
  [500, 2],
  [403, 1],
  [404, 1],
] as const)
  test(`after the answer ${status} a condition is ${tries > 1 ? "written again" : "left"}`, async () => {
    const at = world([new KubeError("no", { status, reason: status === 409 ? "Conflict" : "" })]);
    await at.look();
    assert.equal(at.tries(), tries);
  });

test("a NetworkPolicy has no conditions", async () => {
  const { stores, conditions, written } = world();
  stores.NetworkPolicy.apply([{ type: "put", object: aPolicy("closed") }]);
  conditions.look("networkpolicy/shop/closed");
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.deepEqual(written, []);
});

test("a security profile says where its rules hold besides, and where they do not", async () => {
  const { conditions, stores, written } = world();
  const spec = { ports: ["vm-1"], addresses: ["192.0.2.7"], ingress: [{ action: "Deny" }] };
  for (const [name, of] of [
    ["machines", spec],
    ["pods", { ingress: spec.ingress }],
    ["named", { addresses: spec.addresses }],
  ] as const) {
    const metadata = { name, uid: name, resourceVersion: "1" };
    const object = securityProfileOf({ metadata, spec: of }, new Interner()) ?? assert.fail();
    stores.SecurityProfile.apply([{ type: "put", object }]);
    conditions.look(`securityprofile/${name}`);
  }
  for (let turns = 0; turns < 40; turns++) await turn();
  const base = "installed on every node with a pod that it selects";
  assert.deepEqual([...new Set(written.map(({ message }) => message.replace(base, "")))].toSorted(), [
    "",
    ", and at the ports of its machines; where it is given by address, others' rules know it, and its own are not enforced",
  ]);
});
