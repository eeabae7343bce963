import assert from "node:assert/strict";
import { test } from "node:test";
import { annotations } from "../model/names.ts";
import { aclLoggingOf } from "./aclLogging.ts";

const of = (annotation: string) => aclLoggingOf({ annotations: { [annotations.aclLogging]: annotation } });

test("packets that policies deny and those that they allow have severities of their own", () => {
  const both = { deny: "info", allow: "notice", pass: undefined, problem: undefined };
  assert.deepEqual(of('{"deny":"info","allow":"notice"}'), both);
  assert.deepEqual(of('{"deny":"alert","allow":""}'), {
    deny: "alert",
    allow: undefined,
    pass: undefined,
    problem: undefined,
  });
  assert.equal(of('{"deny":"alert","pass":"warning"}').pass, "warning");
});

test("without the annotation, or with an empty one, nothing is logged", () => {
  const nothing = { deny: undefined, allow: undefined, pass: undefined, problem: undefined };
  for (const logging of [of(""), of("{}"), aclLoggingOf({ annotations: {} }), aclLoggingOf(undefined)])
    assert.deepEqual(logging, nothing);
});

const senseless: readonly (readonly [string, RegExp])[] = [
  ["loud", /"loud" is not a JSON object/],
  ["[]", /"\[\]" is not a JSON object/],
  ["null", /is not a JSON object/],
  ['{"deny":"loud"}', /^deny: "loud" is none of alert, warning, notice, info, debug$/],
  ['{"allow":7}', /^allow: 7 is none of/],
  ["x".repeat(10_000), /^"x{60}" is not a JSON object$/],
];
for (const [annotation, problem] of senseless)
  test(`an annotation that makes no sense logs nothing and is named: ${annotation.slice(0, 40)}`, () => {
    const logging = of(annotation);
    assert.match(logging.problem ?? "", problem);
    assert.deepEqual([logging.deny, logging.allow], [undefined, undefined]);
  });

test("one side that makes no sense leaves the other", () => {
  assert.equal(of('{"deny":"info","allow":"loud"}').deny, "info");
});
