// How a campaign judges what it measured.

import assert from "node:assert/strict";
import { test } from "node:test";
import { doubles } from "./checks.ts";
import { growth } from "./footprint.ts";
import { changedLines } from "./nodeState.ts";

test("a line that came and one that went are told apart, and the others are not named", () => {
  assert.deepEqual(changedLines(["a", "b"], ["b", "c"]), ["- a", "+ c"]);
  assert.deepEqual(changedLines(["b", "a"], ["a", "b"]), []);
});

test("a process has grown when it has both much more memory and several times as much, or many more files", () => {
  const grown = (residentMb: number, files: number): readonly string[] =>
    growth(
      new Map([["n1-agent", { residentMb: 80, files: 30 }]]),
      new Map([["n1-agent", { residentMb, files }]]),
    );
  assert.deepEqual(grown(120, 40), []);
  assert.deepEqual(grown(300, 30), ["n1-agent has grown from 80 to 300 MB"]);
  assert.deepEqual(grown(80, 60), ["n1-agent has 60 open files and had 30"]);
});

test("a process that was not there at the start has not grown", () => {
  assert.deepEqual(growth(new Map(), new Map([["late", { residentMb: 900, files: 900 }]])), []);
});

test("an address of two pods is named with both, but the address of a finished pod is free", () => {
  const pod = (name: string, phase: string, ...ips: readonly string[]) => ({
    metadata: { name },
    status: { phase, podIPs: ips.map((ip) => ({ ip })) },
  });
  const pods = [pod("a", "Running", "10.0.0.1", "fd00::1"), pod("b", "Pending", "10.0.0.2", "fd00::1")];
  assert.deepEqual(doubles(pods), ["fd00::1 is the address of a and of b"]);
  assert.deepEqual(doubles([pod("done", "Succeeded", "10.0.0.1"), pod("new", "Running", "10.0.0.1")]), []);
});
