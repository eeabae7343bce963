import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "./json.ts";
import { policyConditionOf } from "./policyCondition.ts";
import { aClusterPolicy } from "./policyFixture.ts";
import { setPolicyCondition } from "./writePolicyCondition.ts";

const path = "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies/teams";
const policy = aClusterPolicy("teams");
const condition = {
  status: "True",
  reason: "InForce",
  message: "everywhere",
  observedGeneration: 2,
} as const;
const at = new Date("2026-11-29T12:00:00.123Z");

/** What is written on a policy that has these conditions. */
async function written(...conditions: readonly Json[]): Promise<unknown> {
  const patches: unknown[] = [];
  const client = {
    get: async (asked: string) => {
      assert.equal(asked, path);
      return { metadata: { resourceVersion: "7" }, status: { conditions } };
    },
    patch: async (asked: string, patch: unknown) => {
      assert.equal(asked, `${path}/status`);
      patches.push(patch);
    },
  };
  await setPolicyCondition(client, policy, condition, at);
  return patches[0];
}

const patchWith = (...conditions: readonly Json[]) => ({
  metadata: { uid: policy.uid, resourceVersion: "7" },
  status: { conditions },
});
const own = (lastTransitionTime: string): Json => ({ type: "InForce", ...condition, lastTransitionTime });

test("other conditions stay, and nothing is written over what somebody has written meanwhile", async () => {
  const other = { type: "Ready-In-Zone-a", status: "True" };
  assert.deepEqual(await written(other), patchWith(other, own("2026-11-29T12:00:00Z")));
});

test("the time of a transition changes only with the status", async () => {
  const before = { ...own("2026-01-01T00:00:00Z"), message: "elsewhere" };
  assert.deepEqual(await written(before), patchWith(own("2026-01-01T00:00:00Z")));
  assert.deepEqual(await written({ ...before, status: "False" }), patchWith(own("2026-11-29T12:00:00Z")));
});

test("what has been written is read again, and what makes no sense is not read", () => {
  const read = (...conditions: readonly unknown[]) => policyConditionOf({ status: { conditions } });
  assert.deepEqual(read({ type: "Other" }, own("2026-11-29T12:00:00Z")), condition);
  for (const senseless of [undefined, "x", { type: "InForce", status: "Perhaps" }])
    assert.equal(read(senseless), undefined);
});
