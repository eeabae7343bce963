import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Deployment } from "../client/objects.ts";
import { type Generation, rolloutStep, templateHash } from "./rollout.ts";

type Strategy = NonNullable<Deployment["spec"]["strategy"]>;

const deployment = (replicas: number, strategy: Strategy = {}): Deployment => ({
  metadata: { name: "web" },
  spec: { replicas, strategy, selector: {}, template: { spec: { containers: [] } } },
});
const up = (replicas: number): Generation => ({ replicas, pods: replicas, available: replicas });
const none: Generation = up(0);

test("a new Deployment starts all its pods at once", () => {
  assert.deepEqual(rolloutStep(deployment(4), none, []), { current: 4, old: [] });
});

test("a rollout adds the surge, and removes only as many pods as may be unavailable", () => {
  const strategy = { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  assert.deepEqual(rolloutStep(deployment(3, strategy), none, [up(3)]), { current: 1, old: [3] });
  assert.deepEqual(rolloutStep(deployment(3, strategy), up(1), [up(3)]), { current: 1, old: [2] });
});

test("old pods that do not work go first and cost nothing", () => {
  const strategy = { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };
  const broken = { replicas: 3, pods: 3, available: 0 };
  assert.deepEqual(rolloutStep(deployment(3, strategy), none, [broken]).old, [2]);
});

test("Recreate starts new pods only when the last old one is gone", () => {
  const strategy = { type: "Recreate" } as const;
  assert.deepEqual(rolloutStep(deployment(2, strategy), none, [up(2)]), { current: 0, old: [0] });
  const leaving = { replicas: 0, pods: 1, available: 0 };
  assert.deepEqual(rolloutStep(deployment(2, strategy), none, [leaving]), { current: 0, old: [0] });
  assert.deepEqual(rolloutStep(deployment(2, strategy), none, [none]), { current: 2, old: [0] });
});

test("a rollout ends with only the new pods, and keeps within its limits on the way", () => {
  const count = fc.integer({ min: 0, max: 12 });
  const limit = fc.integer({ min: 0, max: 3 });
  fc.assert(
    fc.property(
      count,
      fc.array(count, { maxLength: 3 }),
      limit,
      limit,
      (replicas, olds, maxSurge, maxUnavailable) => {
        const rolling = deployment(replicas, { rollingUpdate: { maxSurge, maxUnavailable } });
        const before = olds.reduce((sum, one) => sum + one, 0);
        let current = none;
        let old = olds.map(up);
        for (let steps = 0; steps < 200; steps++) {
          const next = rolloutStep(rolling, current, old);
          const total = next.current + next.old.reduce((sum, one) => sum + one, 0);
          assert.ok(total <= Math.max(before, replicas + maxSurge), "more pods than allowed");
          const lowest = Math.min(before, replicas - Math.max(maxUnavailable, maxSurge === 0 ? 1 : 0));
          const availableOld = next.old.reduce(
            (sum, one, index) => sum + Math.min(one, old[index]?.available ?? 0),
            0,
          );
          assert.ok(Math.min(next.current, current.available) + availableOld >= lowest, "too few available");
          if (
            next.current === current.replicas &&
            next.old.every((one, index) => one === old[index]?.replicas)
          )
            break;
          current = up(next.current);
          old = next.old.map(up);
        }
        assert.equal(current.replicas, replicas);
        assert.ok(old.every((one) => one.replicas === 0));
      },
    ),
  );
});

test("a template's hash ignores what makes no difference", () => {
  const template = {
    metadata: { labels: { a: "1", b: "2" } },
    spec: { containers: [{ name: "x", image: "y" }] },
  };
  const same = {
    spec: { containers: [{ image: "y", name: "x", resources: {} }] },
    metadata: { labels: { b: "2", a: "1" } },
  };
  assert.equal(templateHash(template), templateHash(same));
  const other = { ...template, spec: { containers: [{ name: "x", image: "z" }] } };
  assert.notEqual(templateHash(template), templateHash(other));
});
