import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMarks } from "./poolMarks.ts";

test("the marks of a pool are a low and a higher number", () => {
  assert.deepEqual(parseMarks("8,32"), { low: 8, high: 32 });
  for (const text of ["", "8", "8,8", "32,8", "0,3", "a,b", "1,99999"])
    assert.throws(() => parseMarks(text), /expected two numbers/);
});
