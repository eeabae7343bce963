import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join, matchesGlob } from "node:path";
import { test } from "node:test";
import { kept, links } from "./contents.ts";

const source = join(import.meta.dirname, "../../src");
/** Where it is missing, the node has nothing that it could tell about: `weft check` goes on without it. */
const optional = "iptables-legacy-save";

/** The programs that Weft's sources start: `run(["ip", …`, `spawn("flock", …`. */
function startedPrograms(): ReadonlySet<string> {
  const calls = /(?:\b\w*[rR]un|\bspawn)\(\s*\[?\s*"([a-z][\w-]*)"/g;
  const files = globSync("**/*.ts", { cwd: source }).filter((file) => !file.endsWith(".test.ts"));
  const texts = files.map((file) => readFileSync(join(source, file), "utf8"));
  return new Set(texts.flatMap((text) => [...text.matchAll(calls)].map(([, program = ""]) => program)));
}

test("the image has every program that Weft starts", () => {
  const started = startedPrograms();
  assert.ok(["ip", "conntrack", "flock"].every((program) => started.has(program)));
  const isIn = (path: string): boolean => path in links || kept.some((glob) => matchesGlob(path, glob));
  const missing = [...started].filter(
    (program) =>
      program !== optional && !["usr/bin", "usr/sbin"].some((folder) => isIn(`${folder}/${program}`)),
  );
  assert.deepEqual(missing, []);
});
