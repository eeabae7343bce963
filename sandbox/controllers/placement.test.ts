import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod } from "../client/objects.ts";
import { placePod } from "./placement.ts";

const node = (
  name: string,
  spec: Node["spec"] = {},
  conditions: Readonly<Record<string, "True" | "False">> = {},
): Node => ({
  metadata: { name, labels: { "kubernetes.io/hostname": name } },
  spec,
  status: {
    conditions: Object.entries({ Ready: "True" as const, ...conditions }).map(([type, status]) => ({
      type,
      status,
    })),
    allocatable: { pods: "3" },
  },
});
const pod = (spec: Partial<Pod["spec"]> = {}): Pod => ({
  metadata: { name: "p" },
  spec: { containers: [], ...spec },
});
const empty = (_node: string): number => 0;
const place = (one: Pod, nodes: readonly Node[], podsOn = empty): string =>
  placePod(one, nodes, podsOn).node ?? "none";

test("the node with the fewest pods gets the next one, the first by name among equals", () => {
  const pods: Record<string, number> = { n1: 2, n2: 1, n3: 1 };
  assert.equal(
    place(pod(), [node("n3"), node("n1"), node("n2")], (name) => pods[name] ?? 0),
    "n2",
  );
});

test("a node selector, unschedulable nodes and nodes that are not ready are respected", () => {
  const nodes = [node("n1"), node("n2")];
  assert.equal(place(pod({ nodeSelector: { "kubernetes.io/hostname": "n2" } }), nodes), "n2");
  assert.equal(place(pod(), [node("n1", { unschedulable: true }), node("n2")]), "n2");
  assert.equal(place(pod(), [node("n1", {}, { Ready: "False" }), node("n2")]), "n2");
});

test("a node whose network is unavailable takes only pods of the host's network", () => {
  const nodes = [node("n1", {}, { NetworkUnavailable: "True" })];
  assert.equal(place(pod(), nodes), "none");
  assert.equal(place(pod({ hostNetwork: true }), nodes), "n1");
});

test("a taint keeps pods away that do not tolerate it", () => {
  const tainted = [node("n1", { taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }] })];
  assert.equal(place(pod(), tainted), "none");
  assert.equal(place(pod({ tolerations: [{ key: "gpu", operator: "Exists" }] }), tainted), "n1");
  assert.equal(place(pod({ tolerations: [{ key: "gpu", value: "no" }] }), tainted), "none");
  assert.equal(place(pod(), [node("n1", { taints: [{ key: "old", effect: "PreferNoSchedule" }] })]), "n1");
});

test("a pod that fits nowhere gets the reason, node by node", () => {
  const nodes = [node("n1", { unschedulable: true }), node("n2"), node("n3")];
  assert.deepEqual(
    placePod(pod(), nodes, (name) => (name === "n2" ? 3 : 4)),
    {
      node: undefined,
      reason: "0/3 nodes are available: 1 node(s) were unschedulable, 2 Too many pods.",
    },
  );
});
