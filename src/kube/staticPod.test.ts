import assert from "node:assert/strict";
import { test } from "node:test";
import { isMeant } from "./staticPod.ts";

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
