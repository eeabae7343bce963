import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KubeError } from "./error.ts";
import { Lines } from "./lines.ts";

test("lines come out whole, wherever the bytes were cut", () => {
  const text = fc.string({ unit: "grapheme" }).filter((line) => !line.includes("\n") && line.trim() !== "");
  fc.assert(
    fc.property(fc.array(text), fc.array(fc.nat(200)), (expected, cuts) => {
      const bytes = Buffer.from(expected.map((line) => `${line}\n`).join(""));
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
      const lines = new Lines();
      const came = places.flatMap((place, i) => [...lines.push(bytes.subarray(places[i - 1] ?? 0, place))]);
      assert.deepEqual(came, expected);
    }),
  );
});

test("the piece after the last line end does not come out", () => {
  const lines = new Lines();
  assert.deepEqual([...lines.push(Buffer.from("a\n\nb"))], ["a"]);
  assert.deepEqual([...lines.push(Buffer.from("c\n"))], ["bc"]);
});

test("a line without end is refused before it fills the memory", () => {
  const lines = new Lines();
  const chunk = Buffer.alloc(1024 * 1024, 120);
  assert.throws(() => {
    for (let i = 0; i < 20; i++) Array.from(lines.push(chunk));
  }, KubeError);
});
