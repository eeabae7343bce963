import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { entrypoint, packages, release, searchPath } from "./contents.ts";

const text = readFileSync(join(import.meta.dirname, "Dockerfile"), "utf8");
const stages = text
  .replaceAll("\\\n", " ")
  .split(/^FROM /m)
  .slice(1);
const [build = "", image = ""] = stages;

test("the Dockerfile makes an image of the same packages, of the same Debian, that starts in the same way", () => {
  assert.equal(stages.length, 2);
  const installed = /apt-get install((?: +--[a-z-]+)*)((?: +[a-z][\w.+-]+)+)/.exec(image)?.[2] ?? "";
  assert.deepEqual(installed.trim().split(/ +/), [...packages]);
  assert.match(image, new RegExp(`^debian:${release}-slim\n`));
  assert.match(build, new RegExp(`^node:24-${release}-slim AS build\n`));
  assert.ok(image.includes(`ENV PATH=${searchPath}\n`));
  assert.ok(image.includes(`ENTRYPOINT ${JSON.stringify(entrypoint)}\n`));
});
