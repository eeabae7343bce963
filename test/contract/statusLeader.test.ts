// How `weft status` finds out whether somebody leads, when the clocks of the Lease's holder and of this machine differ.

import assert from "node:assert/strict";
import { test } from "node:test";
import { leaderOf } from "../../src/cli/status/leader.ts";
import type { Leader } from "../../src/cli/status/snapshot.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { type Answer, json, scripted, skippingClock, status } from "./kubeScript.ts";

const hourMs = 3_600_000;

/** A list with the Lease, renewed at this offset from the local time, or an empty one. */
const renewed = (aheadMs: number | undefined, holderIdentity = "a"): Answer => {
  const time = aheadMs === undefined ? undefined : new Date(skippingClock().wall() + aheadMs).toISOString();
  const items = time === undefined ? [] : [{ spec: { holderIdentity, renewTime: time } }];
  return json({ metadata: { resourceVersion: "1" }, items });
};

const failed = status(500, "InternalError");

async function found(...answers: readonly Answer[]): Promise<Leader | undefined> {
  await using server = await scripted(answers);
  using client = new KubeClient({ server: server.url, namespace: "weft" });
  const lease = { namespace: "weft", name: "weft-demo" };
  const question = { client, lease, timeoutMs: 5_000, clock: skippingClock() };
  return await leaderOf(question, AbortSignal.timeout(10_000));
}

const cases: readonly [string, readonly Answer[], Leader["silent"] | undefined][] = [
  ["without a Lease nobody leads", [renewed(undefined)], undefined],
  ["when the Lease was given up nobody leads", [renewed(0, "")], undefined],
  ["a leader that has just renewed is not silent", [renewed(-10_000)], false],
  ["a leader that has not for long is silent", [renewed(-hourMs)], true],
  ["so is one that left a time of the future behind", [renewed(hourMs)], true],
  [
    "a leader whose clock is slow is not silent: it renews",
    [renewed(-hourMs), renewed(-hourMs), renewed(2_000 - hourMs)],
    false,
  ],
  ["nor is one whose clock is fast", [renewed(hourMs), renewed(hourMs + 2_000)], false],
  ["a leader that gives up meanwhile leads no more", [renewed(hourMs), renewed(0, "")], undefined],
  [
    "a question that fails meanwhile is no news: the renewal is seen after it",
    [renewed(hourMs), failed, failed, renewed(hourMs + 2_000)],
    false,
  ],
  ["nor does it break the silence", [renewed(hourMs), renewed(hourMs), failed, renewed(hourMs)], true],
];

for (const [what, answers, silent] of cases)
  test(what, async () => {
    const leader =
      silent === undefined
        ? undefined
        : {
            holder: "a",
            silent,
            heldDeletions: "",
            troubles: new Map(),
            policies: undefined,
            mode: undefined,
          };
    assert.deepEqual(await found(...answers), leader);
  });

test("the leader is unknown when the first request fails, and also when all later ones do", async () => {
  await assert.rejects(found(failed), /InternalError/);
  await assert.rejects(found(renewed(hourMs), failed), /InternalError/);
});
