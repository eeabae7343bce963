import assert from "node:assert/strict";
import { test } from "node:test";
import { usesOf } from "./rights.ts";

const entry = (account: string, verb: string, objectRef: object, decision = "allow"): string =>
  JSON.stringify({
    kind: "Event",
    verb,
    requestURI: "/api/v1/…",
    user: { username: `system:serviceaccount:kube-system:weft-${account}` },
    objectRef,
    annotations: { "authorization.k8s.io/decision": decision },
  });

test("an account passes when nothing was refused to it, and what it did not use is named", () => {
  const [controller, agent] = usesOf(
    [
      entry("controller", "list", { resource: "nodes", apiVersion: "v1" }),
      entry("controller", "patch", { resource: "nodes", subresource: "status" }),
      entry("controller", "watch", { resource: "endpointslices", apiGroup: "discovery.k8s.io" }),
      entry("agent", "create", { resource: "leases", apiGroup: "coordination.k8s.io" }),
      "",
    ].join("\n"),
    ["controller", "agent"],
  );
  assert.deepEqual([controller?.row.outcome, agent?.row.outcome], ["passed", "passed"]);
  assert.ok(controller?.unused.includes("get nodes"));
  for (const used of ["list nodes", "patch nodes/status", "watch endpointslices.discovery.k8s.io"])
    assert.ok(!controller?.unused.includes(used), used);
});

test("an account fails by what was refused to it, or when it asked for nothing", () => {
  const refused = entry("controller", "list", { resource: "secrets" }, "forbid");
  const uses = usesOf(`${refused}\n${refused}\n`, ["controller", "agent"]);
  assert.deepEqual(
    uses.map(({ row }) => [row.outcome, row.reason]),
    [
      ["failed", "refused: list secrets"],
      ["failed", "system:serviceaccount:kube-system:weft-agent has asked for nothing"],
    ],
  );
});
