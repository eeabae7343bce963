import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { AnnotationPatch } from "./durable.ts";
import { inLanes } from "./lanes.ts";

const write = (kind: AnnotationPatch["kind"], name: string): AnnotationPatch => ({
  kind,
  namespace: "",
  name,
  uid: name,
  annotations: {},
});

test("writes of one kind that hang hold up their own kind only, and a failed one makes room too", async () => {
  const begun: string[] = [];
  const hung = Promise.withResolvers<void>();
  const patch = inLanes(({ kind, name }) => {
    begun.push(name);
    return kind === "Pod" ? hung.promise : Promise.resolve();
  }, 2);
  const pods = ["a", "b", "c", "d"].map((name) => patch(write("Pod", name)));
  await patch(write("Node", "n"));
  await turn();
  assert.deepEqual(begun, ["a", "b", "n"]);
  hung.reject(new Error("no answer"));
  const ends = await Promise.allSettled(pods);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ["rejected", "rejected", "rejected", "rejected"],
  );
  assert.deepEqual(begun, ["a", "b", "n", "c", "d"]);
});
