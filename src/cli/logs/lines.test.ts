import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { linesOf } from "./lines.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-lines-"));
after(() => rmSync(folder, { recursive: true }));
const never = new AbortController().signal;

test("the lines of a file are read once, and a file that is not there is an error", async () => {
  const file = join(folder, "whole");
  writeFileSync(file, "one\ntwo\n");
  const lines: string[] = [];
  for await (const line of linesOf(file, { follow: false, signal: never })) lines.push(line);
  assert.deepEqual(lines, ["one", "two"]);
  for (const follow of [false, true]) {
    const missing = linesOf(join(folder, "missing"), { follow, signal: never })[Symbol.asyncIterator]();
    await assert.rejects(missing.next(), {
      message: `cannot read the log ${join(folder, "missing")}: there is no such file; run this on a node, or name the log of its ovn-controller by --file`,
    });
  }
});

test("a followed file brings what is written later, in whole lines, also after it was rotated", async () => {
  const file = join(folder, "growing");
  writeFileSync(file, "one\nhal");
  const ending = new AbortController();
  const lines = linesOf(file, { follow: true, signal: ending.signal })[Symbol.asyncIterator]();
  const next = async (): Promise<string | undefined> => (await lines.next()).value;
  assert.equal(await next(), "one");
  const half = next();
  appendFileSync(file, "f\n");
  assert.equal(await half, "half");
  const later = next();
  renameSync(file, `${file}.1`);
  writeFileSync(file, "new\n");
  assert.equal(await later, "new");
  const last = lines.next();
  ending.abort();
  assert.equal((await last).done, true);
});
