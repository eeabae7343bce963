import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterPeer } from "../kube/clusterPolicy.ts";
import { aClusterPolicy } from "../kube/policyFixture.ts";
import { northboundScope } from "../model/scope.ts";
import { clusterPolicyFacts } from "../plan/clusterPolicy.ts";
import { partsOf } from "../select/clusterRules.ts";
import { nameGroupId } from "../select/nameGroup.ts";
import { nodeGroupId } from "../select/nodeGroup.ts";
import { idOf } from "../select/podGroup.ts";

/** Of the ACLs that let through what belongs to a connection: its label, and the one that it looks for. */
function labelsOf(...patterns: readonly string[]) {
  const peers = patterns.map((pattern): ClusterPeer => ({ kind: "name", pattern }));
  const policy = aClusterPolicy("names", {
    egress: [{ action: "Accept", index: 0, name: "", peers, ports: undefined }],
  });
  const facts = clusterPolicyFacts(
    northboundScope("weft", "global"),
    "clusternetworkpolicy/names",
    policy,
    partsOf(policy, [policy], []).parts,
    {
      id: idOf,
      nodesId: nodeGroupId,
      nameId: nameGroupId,
      blocks: ({ peers: { blocks } }) => blocks,
      holders: () => [],
    },
    { allow: undefined, deny: undefined, pass: undefined },
  );
  const acls = facts.flatMap((fact) => {
    const match = fact.kind === "row" && fact.table === "ACL" ? fact.columns.get("match") : undefined;
    return typeof match === "string" && fact.kind === "row"
      ? [{ match, label: fact.columns.get("label") }]
      : [];
  });
  const [named, running] = acls;
  assert.equal(acls.length, 2);
  assert.match(named?.match ?? "", /ip4\.dst == \{\$weft_named_/);
  const [, sought] = /ct\.est && ct_label\[96\.\.127\] == (\d+) /.exec(running?.match ?? "") ?? [];
  assert.deepEqual([named?.label, running?.label], [Number(sought), Number(sought)]);
  return Number(sought);
}

test("a connection goes on only by the rule and the names that let it through", () => {
  const label = labelsOf("*.a.example.com", "b.example.com");
  assert.ok(label > 0 && label < 2 ** 32);
  assert.equal(labelsOf("b.example.com", "*.a.example.com"), label);
  assert.notEqual(labelsOf("*.b.example.com", "b.example.com"), label);
  assert.notEqual(labelsOf("b.example.com"), label);
});
