import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pods } from "../kinds/pod.ts";
import { asKubeObject } from "../objects.ts";
import { parseFieldSelector } from "./fields.ts";
import { parseLabelSelector } from "./labels.ts";

describe("a label selector", () => {
  const labels = { app: "web", tier: "front", "weft.io/x": "" };
  const cases: readonly (readonly [string, boolean])[] = [
    ["", true],
    ["app=web", true],
    ["app==web,tier!=back", true],
    ["app in (db, web),tier notin (back)", true],
    ["app notin (web)", false],
    ["missing notin (web)", true],
    ["missing!=web", true],
    ["missing in (web)", false],
    ["app,!missing", true],
    ["!app", false],
    ["weft.io/x", true],
    ["weft.io/x=", true],
    ["constructor", false],
  ];
  for (const [selector, selected] of cases)
    it(`${JSON.stringify(selector)} ${selected ? "selects" : "does not select"} the object`, () =>
      assert.equal(parseLabelSelector(selector)(labels), selected));

  for (const selector of ["app in web", "=x", "a=b=c", "-bad=x", "app in (a b)"])
    it(`${JSON.stringify(selector)} is refused`, () =>
      assert.throws(() => parseLabelSelector(selector), { reason: "BadRequest" }));
});

describe("a field selector", () => {
  const pod = asKubeObject({
    metadata: { name: "p", namespace: "shop" },
    spec: { nodeName: "n1" },
    status: { phase: "Running" },
  });
  const cases: readonly (readonly [string, boolean])[] = [
    ["", true],
    ["metadata.name=p,metadata.namespace==shop", true],
    ["spec.nodeName=n1,status.phase!=Failed,status.phase!=Succeeded", true],
    ["spec.nodeName=", false],
    ["status.podIP=", true],
  ];
  for (const [selector, selected] of cases)
    it(`${JSON.stringify(selector)} ${selected ? "selects" : "does not select"} the pod`, () =>
      assert.equal(parseFieldSelector(selector, pods)(pod), selected));

  it("on a field that the kind does not offer is refused", () =>
    assert.throws(() => parseFieldSelector("spec.image=x", pods), /field label not supported: spec.image/));
});
