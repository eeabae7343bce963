import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { exactText, parseExactly } from "./exactJson.ts";
import { JsonOutline } from "./jsonOutline.ts";
import { JsonStream } from "./jsonStream.ts";
import { LargeObject, membersOf } from "./largeObject.ts";

const messages = [
  { id: 1, result: [{ count: 1 }], error: null },
  { text: 'quote " backslash \\ braces }]{[ ü € 😀', nested: [[["\\\\"]], {}] },
  {},
];
const text = Buffer.from(` ${messages.map((message) => JSON.stringify(message)).join("\n")}\n`);

test("messages are the same wherever the stream is cut in two", () => {
  for (let cut = 0; cut <= text.length; cut++) {
    const stream = new JsonStream(1000);
    const found = [...stream.push(text.subarray(0, cut)), ...stream.push(text.subarray(cut))];
    assert.deepEqual(found, messages, `cut at byte ${cut}`);
  }
});

test("messages are the same when they come byte by byte", () => {
  const stream = new JsonStream(1000);
  assert.deepEqual(
    [...text].flatMap((byte) => stream.push(Uint8Array.of(byte))),
    messages,
  );
});

test("a large message, with small ones around it, comes out whole in whatever chunks it arrives", () => {
  const rows = Object.fromEntries(
    Array.from({ length: 3000 }, (_, i) => [`row-${i}`, { initial: { name: `"${i}"`, set: [i] } }]),
  );
  const large = { id: null, method: "update3", params: ["1", "txn", { Table: rows, Empty: {} }] };
  const bytes = Buffer.from(
    [messages[0], large, messages[1]].map((message) => JSON.stringify(message)).join(""),
  );
  assert(bytes.length > 128 * 1024);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }), (sizes) => {
      const stream = new JsonStream(bytes.length);
      const found: unknown[] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        found.push(...stream.push(bytes.subarray(at, at + size)));
        at += size;
      }
      assert.equal(JSON.stringify(found), JSON.stringify([messages[0], large, messages[1]]));
    }),
    { numRuns: 20 },
  );
});

test("what is no JSON object is refused", () => {
  for (const wrong of ["[1]", "1", '"text"', "x"])
    assert.throws(() => new JsonStream(1000).push(Buffer.from(wrong)), { code: "protocol error" });
});

test("a message that never ends is refused before it fills the memory", () => {
  const stream = new JsonStream(1_000_000);
  const chunk = Buffer.from(`{"a":"${"x".repeat(99_000)}`);
  assert.throws(() => Array.from({ length: 20 }, () => stream.push(chunk)), { code: "protocol error" });
});

/** The value of `bytes` by the outline, given in two chunks. */
function outlined(bytes: Uint8Array, cut: number): unknown {
  const outline = new JsonOutline();
  if (outline.push(bytes.subarray(0, cut), 0) < 0 && outline.push(bytes.subarray(cut), 0) < 0)
    throw new SyntaxError("incomplete");
  return outline.value;
}

test("the outline reads any JSON as one would that had all of it, cut anywhere", () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (json, cut) => {
      // A space behind it: a bare number ends only where something else begins.
      const bytes = Buffer.from(`${json} `);
      assert.equal(exactText(outlined(bytes, cut % bytes.length)), exactText(parseExactly(json)));
    }),
  );
});

test("an object with a member without a name is no long integer, beside a number with many digits", () => {
  const json = '{"":{"":"0"}," ":{"":1.0000002112174072e-269}}';
  assert.equal(exactText(parseExactly(json)), json);
  assert.equal(exactText(outlined(Buffer.from(`${json} `), 7)), json);
});

test("the outline refuses what JSON.parse refuses", () => {
  const wrong = [
    "[1 2]",
    "[,]",
    "[1,]",
    '{"a" 1}',
    '{"a":}',
    '{"a":1,}',
    "{1:2}",
    "[1}",
    '{"a":1]',
    "]",
    "{,}",
    "[tru]",
  ];
  for (const json of wrong) assert.throws(() => outlined(Buffer.from(json), 1), json);
});

test("a key called __proto__ is just a key", () => {
  assert.deepEqual(Object.keys(outlined(Buffer.from('{"__proto__":{"x":1}}'), 3) ?? {}), ["__proto__"]);
});

test("an object of very many members gives them away in order, and lists no keys at once", () => {
  const rows = Object.fromEntries(Array.from({ length: 25_000 }, (_, i) => [`row-${i}`, { n: i }]));
  const large = Buffer.from(JSON.stringify({ result: { rows, few: {} } }));
  const stream = new JsonStream(10_000_000);
  const half = Math.floor(large.length / 2);
  const [message] = [...stream.push(large.subarray(0, half)), ...stream.push(large.subarray(half))];
  assert(typeof message === "object" && message !== null && "result" in message);
  const { result } = message;
  assert(typeof result === "object" && result !== null && "rows" in result && "few" in result);
  assert(result.rows instanceof LargeObject);
  assert.equal(JSON.stringify([...membersOf(result.rows)]), JSON.stringify(Object.entries(rows)));
  assert.equal(
    [...membersOf(result.rows)].some(([, value]) => value !== undefined),
    false,
  );
  assert.deepEqual(result.few, Object.create(null));
});

test("malformed text in an object of very many members is found when that member is taken", () => {
  const members = Array.from({ length: 20_000 }, (_, i) => `"row-${i}":{"n":${i}}`);
  for (const wrong of ['"x":{"n":}', '"x":{"n":1]', '"x":tru', '"x":']) {
    const outline = new JsonOutline();
    const text = `{"id":1,"result":[{"T":{${[...members, wrong].join(",")}}}]}`;
    assert(outline.push(Buffer.from(text), 0) > 0);
    const { value } = outline;
    assert(typeof value === "object" && value !== null && "result" in value && Array.isArray(value.result));
    const rows: unknown = value.result[0].T;
    assert(rows instanceof LargeObject);
    assert.throws(() => [...membersOf(rows)], wrong);
  }
});

test("a message that would fill the memory is refused when it has become too large", () => {
  const limits = { maxPieceBytes: 1000, maxValues: 1000 };
  const refused = (begin: string, more: string, message: RegExp): void => {
    const outline = new JsonOutline(limits);
    outline.push(Buffer.from(begin), 0);
    const push = (): void => {
      for (let pushes = 0; pushes < 100; pushes++) outline.push(Buffer.from(more.repeat(100)), 0);
    };
    assert.throws(push, { code: "protocol error", message });
  };
  refused('{"id":1,"result":[{"T":{"row":"', "x", /a value of more than 1000 bytes/);
  refused('{"id":1,"result":[[', "[", /a value of more than 1000 bytes/);
  refused('{"id":1,"result":[1', ",0", /more than 1000 values/);
});
