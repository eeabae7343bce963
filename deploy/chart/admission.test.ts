import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { isRecord, list, record, text } from "../../src/kube/json.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { annotations } from "../../src/model/names.ts";

test("the policy about security profiles reads the annotation and the kind that the controller reads, and no fault of it keeps pods out", () => {
  for (const file of ["overlay.yaml", "underlay.yaml"]) {
    const manifests = readFileSync(join(import.meta.dirname, "../manifests", file), "utf8");
    const specs = parseAllDocuments(manifests)
      .map((document): unknown => document.toJS())
      .filter((object) => isRecord(object))
      .filter(({ metadata }) => record(metadata).name === "weft-security-profiles")
      .map(({ spec }) => record(spec));
    const [policy, binding, ...more] = specs;
    assert.ok(policy && binding && more.length === 0, file);
    assert.equal(`/apis/${text(record(policy.paramKind).apiVersion)}`, kinds.SecurityProfile.prefix);
    assert.equal(record(policy.paramKind).kind, "SecurityProfile");
    const expressions = [...list(policy.matchConditions), ...list(policy.variables)].map((one) =>
      text(record(one).expression),
    );
    assert.equal(
      expressions.filter((one) => one.includes(`"${annotations.securityProfiles}"`)).length,
      2,
      "who is judged, and what is asked for",
    );
    assert.equal(policy.failurePolicy, "Ignore");
    assert.equal(record(binding.paramRef).parameterNotFoundAction, "Allow");
  }
});
