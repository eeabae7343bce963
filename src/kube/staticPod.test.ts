import assert from "node:assert/strict";
import { test } from "node:test";
import { isMeant, lastingUid } from "./staticPod.ts";

const hash = "kubernetes.io/config.hash";
const mirror = "kubernetes.io/config.mirror";

test("a runtime means a pod by its UID, and a static pod by the hash that its mirror carries", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, string, boolean])[] = [
    [{}, "u", true],
    [{}, "h", false],
    [{}, "", false],
    [{ [hash]: "h" }, "h", true],
    [{ [hash]: "h" }, "u", true],
    [{ [hash]: "h" }, "other", false],
    [{ [hash]: "h", [mirror]: "h" }, "h", true],
  ];
  for (const [annotations, uid, meant] of cases) {
    assert.equal(isMeant({ uid: "u", annotations }, uid), meant, JSON.stringify([annotations, uid]));
  }
});

test("who may patch a mirror can neither take it away from its static pod nor give it to another", () => {
  const patched = { uid: "u", annotations: { [mirror]: "h", [hash]: "forged" } };
  assert.equal(isMeant(patched, "h"), true);
  assert.equal(isMeant(patched, "forged"), false);
});

test("a static pod is the same whatever its mirror's UID, and no annotation makes a pod another one that has run", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{}, "u"],
    [{ [mirror]: "0d5f" }, "static-0d5f"],
    [{ [hash]: "0d5f" }, "u"],
    [{ [mirror]: "" }, "u"],
    [{ [mirror]: "x/y" }, "u"],
    [{ [mirror]: "a".repeat(65) }, "u"],
    [{ [mirror]: "f1c3b4a2-0000-4000-8000-000000000000" }, "static-f1c3b4a2-0000-4000-8000-000000000000"],
  ];
  for (const [annotations, expected] of cases) assert.equal(lastingUid({ uid: "u", annotations }), expected);
});
