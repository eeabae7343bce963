import assert from "node:assert/strict";
import { test } from "node:test";
import { specsOf } from "./specReport.ts";
import { countsOf, type Excuse, rowsOf, untriedPattern } from "./verdict.ts";

const report = (...specs: readonly object[]): string =>
  JSON.stringify([
    {
      SpecReports: specs.map((spec) => ({
        ContainerHierarchyTexts: ["[sig-network] Services"],
        ContainerHierarchyLabels: [["sig-network"]],
        LeafNodeType: "It",
        RunTime: 1_500_000_000,
        ...spec,
      })),
    },
  ]);
const spec = (text: string, state: string, message = ""): object => ({
  LeafNodeText: text,
  State: state,
  Failure: { Message: message },
});
const all = /./;
const nodePorts: Excuse = { specs: /NodePort/, cause: "not served", reason: "NodePort" };

test("a report's specs have names, states and first lines of messages", () => {
  const text = report(spec("should serve", "passed"), spec("should fail", "timedout", "too late\nstack"));
  assert.deepEqual(specsOf(text), [
    {
      name: "[sig-network] Services should serve",
      group: "Services",
      state: "passed",
      message: "",
      seconds: 1.5,
    },
    {
      name: "[sig-network] Services should fail",
      group: "Services",
      state: "failed",
      message: "too late",
      seconds: 1.5,
    },
  ]);
});

test("what is set up before all specs is listed only when it failed", () => {
  const setUp = { LeafNodeType: "SynchronizedBeforeSuite", ContainerHierarchyTexts: null, LeafNodeText: "" };
  const states = ["passed", "failed"].map((state) => specsOf(report({ ...setUp, State: state })).length);
  assert.deepEqual(states, [0, 1]);
});

test("a spec that was left out has no row, one that skipped itself has one", () => {
  const rows = rowsOf(specsOf(report(spec("a", "skipped"), spec("b", "skipped", "only on GCE"))), [], all);
  assert.deepEqual(
    rows.map(({ outcome, reason }) => [outcome, reason]),
    [["skipped", "by itself: only on GCE"]],
  );
});

test("an excused spec is skipped while it fails, and fails the run when it passes", () => {
  const outcome = (state: string) =>
    rowsOf(specsOf(report(spec("by NodePort", state, "no"))), [nodePorts], all);
  assert.deepEqual(
    outcome("failed").map((row) => [row.outcome, row.reason]),
    [["skipped", "not served: NodePort"]],
  );
  assert.match(outcome("passed")[0]?.reason ?? "", /it passes.*remove the entry/);
  assert.equal(countsOf(outcome("passed")).failed, 1);
});

test("an excuse for specs that do not exist fails the run, one for specs that were left out does not", () => {
  assert.equal(countsOf(rowsOf(specsOf(report(spec("other", "passed"))), [nodePorts], all)).failed, 1);
  assert.equal(countsOf(rowsOf(specsOf(report(spec("by NodePort", "skipped"))), [nodePorts], all)).failed, 0);
});

test("a spec that is never tried is skipped with its reason, if it is in focus", () => {
  const slow: Excuse = {
    specs: /ten thousand \[Slow\]/,
    cause: "environment",
    reason: "hours",
    isTried: false,
  };
  const specs = specsOf(report(spec("ten thousand [Slow]", "skipped"), spec("two", "skipped")));
  assert.deepEqual(
    rowsOf(specs, [slow], /thousand/).map(({ outcome, reason }) => [outcome, reason]),
    [["skipped", "environment: hours"]],
  );
  assert.deepEqual(rowsOf(specs, [slow], /Services two/), []);
  assert.equal(untriedPattern([slow, nodePorts]), "ten thousand \\[Slow\\]");
});
