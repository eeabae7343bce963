import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { LogLevel } from "../kube/clock.ts";
import { errorText, jsonLog, limited } from "./log.ts";

function recorded() {
  const lines: { readonly level: LogLevel; readonly message: string; readonly fields: object }[] = [];
  const log = limited((level, message, fields) => lines.push({ level, message, fields }));
  return { lines, log };
}

test("an error is printed with its causes, each once", () => {
  const cause = new Error("connect ECONNREFUSED");
  assert.equal(errorText(new Error("cannot list", { cause })), "cannot list: connect ECONNREFUSED");
  assert.equal(errorText(new Error("GET /: connect ECONNREFUSED", { cause })), "GET /: connect ECONNREFUSED");
  assert.equal(errorText("a word"), "a word");
});

test("a flood of one warning is cut off and counted, and other messages are not", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { lines, log } = recorded();
    for (let pod = 0; pod < 10_000; pod++) log("warn", "cannot plan", { pod });
    log("error", "something else", {});
    assert.equal(lines.length, 21);
    mock.timers.tick(10_000);
    assert.deepEqual(lines.at(-1), { level: "warn", message: "cannot plan", fields: { unprinted: 9_980 } });
    log("warn", "cannot plan", { pod: 0 });
    assert.deepEqual(lines.at(-1)?.fields, { pod: 0 });
  } finally {
    mock.timers.reset();
  }
});

test("news is never cut off", () => {
  const { lines, log } = recorded();
  for (let pod = 0; pod < 100; pod++) log("info", "pod born", { pod });
  assert.equal(lines.length, 100);
});

test("the level is changed by name, and a name that is none changes nothing", () => {
  const { levels } = jsonLog("error");
  assert.equal(levels.change("warn"), true);
  assert.equal(levels.current(), "warn");
  assert.equal(levels.change("loud"), false);
  assert.equal(levels.current(), "warn");
});
