import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeImage } from "./oci.ts";
import { billOfMaterials } from "./sbom.ts";

const description = { reference: "example.org/weft:1", path: "/usr/bin", entrypoint: ["weft"], labels: {} };

test("the same files give the same image, whatever their times and order; another byte gives another", async () => {
  const folder = await mkdtemp(join(tmpdir(), "weft-image-"));
  try {
    const made = async (name: string, files: readonly string[], content: string) => {
      const root = join(folder, name, "root");
      await mkdir(root, { recursive: true });
      for (const file of files) {
        await writeFile(join(root, file), content);
        await utimes(join(root, file), 1, Math.random() * 1e9);
      }
      const tar = join(folder, `${name}.tar`);
      const digest = await writeImage(tar, root, join(folder, name), description);
      return { digest, tar, bytes: await readFile(tar) };
    };
    const first = await made("first", ["a", "b"], "x");
    const second = await made("second", ["b", "a"], "x");
    const other = await made("other", ["a", "b"], "y");
    assert.equal(first.digest, second.digest);
    assert.ok(first.bytes.equals(second.bytes));
    assert.notEqual(first.digest, other.digest);
    const index = execFileSync("tar", ["-xOf", first.tar, "./index.json"], { encoding: "utf8" });
    assert.ok(index.includes(first.digest) && index.includes(description.reference));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the bill of materials names each package once, in the same order whatever the order of its input", () => {
  const deb = (name: string) => ({ name, version: "1:2+b1", section: "libs", depends: [] });
  const bill = (debian: readonly ReturnType<typeof deb>[]) =>
    JSON.stringify(billOfMaterials({ version: "1", nodeVersion: "24", debian, npm: [] }));
  assert.equal(bill([deb("a"), deb("b")]), bill([deb("b"), deb("a")]));
  assert.match(bill([deb("libstdc++6")]), /pkg:deb\/debian\/libstdc%2B%2B6@1%3A2%2Bb1\?arch=amd64/);
});
