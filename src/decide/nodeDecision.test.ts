import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterNetwork, defaultJoin } from "../config/ranges.ts";
import { emptyStore, storesOf } from "../kube/stores.ts";
import { annotations } from "../model/names.ts";
import { Api, aNode } from "./decidedFixture.ts";
import { nodeDecision } from "./nodeDecision.ts";
import { NodeLives } from "./nodeLives.ts";

test("two nodes with one system-id are both told, whose it is and what to do, and are looked at again", async () => {
  const api = new Api();
  const chassis = { [annotations.nodeChassisId]: "c1" };
  api.put(aNode("n1", { annotations: chassis }), aNode("n2", { annotations: chassis }));
  const stores = storesOf(emptyStore);
  stores.Node.apply(api.nodes.map((object) => ({ type: "put", object })));
  const network = clusterNetwork({ pods: ["10.244.0.0/16"], services: [], join: defaultJoin });
  const lives = new NodeLives({ network, patch: api.patch, onForgotten: () => undefined });
  for (const node of api.nodes) lives.adopt(node);
  const told = new Map<string, string>();
  const again: string[] = [];
  const decision = nodeDecision({
    lives,
    stores,
    hasRows: () => false,
    again: (owner) => again.push(owner),
    tell: {
      refused: ({ name }, reason) => told.set(name, reason),
      distrusted: () => undefined,
      decided: () => undefined,
    },
    signal: new AbortController().signal,
  });
  for (const name of ["n1", "n2"]) await decision.decide({ kind: "node", namespace: "", name });
  assert.deepEqual([...told.keys()].toSorted(), ["n1", "n2"]);
  assert.equal(new Set(told.values()).size, 1);
  assert.match(told.get("n1") ?? "", /^nodes n1 and n2 have one system-id, c1, .*; n1 had it first, /);
  assert.deepEqual(again, ["node/n2"]);
  assert.deepEqual([lives.get("n1")?.chassisId, lives.get("n2")], ["c1", undefined]);
});
