import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangeStream } from "./changeStream.ts";
import type { Row } from "./database.ts";

const row = (uuid: string, name: string): Row => ({ _uuid: uuid, name });
const change = (
  uuid: string,
  old?: string,
  now?: string,
): { table: string; uuid: string; old?: Row; new?: Row } => ({
  table: "T",
  uuid,
  ...(old !== undefined && { old: row(uuid, old) }),
  ...(now !== undefined && { new: row(uuid, now) }),
});

test("a reader that was busy gets one change for each row, from what it knew to what is now", async () => {
  const stream = new ChangeStream();
  stream.push([change("a", undefined, "1"), change("b", "1", "2")]);
  stream.push([change("a", "1", "2"), change("b", "2"), change("c", undefined, "1")]);
  stream.push([change("c", "1")]);
  const reader = stream.read(new AbortController().signal);
  const { value } = await reader.next();
  assert(value);
  assert.deepEqual(
    value.map(({ uuid, old, new: now }) => [uuid, old?.name, now?.name]),
    [
      ["a", undefined, "2"],
      ["b", "1", undefined],
    ],
  );
  await reader.return(undefined);
});

test("many changes that came while the reader was busy are merged as few are", async () => {
  const stream = new ChangeStream();
  const uuids = Array.from({ length: 50_000 }, (_, i) => `row-${i}`);
  stream.push(uuids.map((uuid) => change(uuid, undefined, "1")));
  stream.push(uuids.map((uuid) => change(uuid, "1", "2")));
  stream.push([change("row-7", "2")]);
  const reader = stream.read(new AbortController().signal);
  const { value } = await reader.next();
  assert(value);
  assert.deepEqual(new Set(value.map(({ uuid }) => uuid)), new Set(uuids).difference(new Set(["row-7"])));
  assert(value.every(({ old, new: now }) => old === undefined && now?.name === "2"));
  stream.push([change("row-7", undefined, "3")]);
  assert.equal((await reader.next()).value?.length, 1);
  await reader.return(undefined);
});

test("a reader that waits is woken by a change, and ended by its signal", async () => {
  const stream = new ChangeStream();
  const controller = new AbortController();
  const reader = stream.read(controller.signal);
  const first = reader.next();
  stream.push([change("a", undefined, "1")]);
  assert.equal((await first).value?.length, 1);
  const second = reader.next();
  controller.abort();
  assert.deepEqual(await second, { done: true, value: undefined });
});
