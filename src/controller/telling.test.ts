import assert from "node:assert/strict";
import { test } from "node:test";
import { ImpossibleFactsError } from "../apply/errors.ts";
import { aPod } from "../decide/decidedFixture.ts";
import { Desired } from "../desired/desired.ts";
import { silent } from "../kube/clock.ts";
import type { ObjectRef } from "../kube/kinds.ts";
import { ownerOf, parseOwner } from "../model/owner.ts";
import { northboundScope } from "../model/scope.ts";
import { FactList } from "../plan/facts.ts";
import { telling } from "./telling.ts";

/** What people are told by Events. The pod `gone` does not exist. */
function world() {
  const events: string[] = [];
  const told = telling({
    events: {
      record: ({ kind, namespace, name }: ObjectRef, type: string, reason: string, message: string) =>
        events.push(`${kind} ${namespace}/${name}: ${type} ${reason}: ${message}`),
    },
    metrics: { refused: { inc: () => undefined } },
    objectOf: (owner: string) => {
      const { kind, name } = parseOwner(owner);
      return kind === "pod" && name !== "gone" ? aPod(name) : undefined;
    },
    policies: () => undefined,
    log: silent,
    // Nothing else of the options is asked for.
  } as never);
  return { events, ...told };
}

const pod = (name: string): string => ownerOf("pod", name, "shop");

test("owners that contradict each other are both told, by Events that name both", () => {
  const { events, tell } = world();
  const desired = new Desired();
  const state = (owner: string, address: string): void => {
    const facts = new FactList(northboundScope("demo", "global"), "cluster");
    facts.row("Logical_Switch_Port", "one", { name: "one", addresses: [address] });
    for (const conflict of desired.replace(owner, facts.facts)) tell.conflict(conflict);
  };
  state(pod("a"), "10.0.0.1");
  assert.equal(events.length, 0);
  state(pod("b"), "10.0.0.2");
  assert.equal(events.length, 2);
  const message =
    /Warning NetworkConflict: pod\/shop\/a and pod\/shop\/b state different things about row .* Logical_Switch_Port .*; the fact of pod\/shop\/a is in force$/;
  for (const [index, name] of ["a", "b"].entries()) {
    assert.ok(events[index]?.startsWith(`Pod shop/${name}: `));
    assert.match(events[index] ?? "", message);
  }
});

test("each object whose facts the database refuses is told why", () => {
  const { events, engine } = world();
  const owners = new Set([pod("a"), pod("gone"), ownerOf("cluster")]);
  const error = new ImpossibleFactsError("no such column");
  engine.refused?.({ owners, error, attempts: 1, retryInMs: 100 });
  assert.deepEqual(events, [
    `Pod shop/a: Warning NetworkRefused: the network database refuses it: ${error.message}`,
  ]);
});
