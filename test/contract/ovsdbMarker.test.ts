// Transactions with a marker on a real server, over a network that loses answers: each is committed once, and the
// program is told so.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isOvsdbError, Marker, type Session } from "../../src/ovsdb/index.ts";
import { startRelay } from "../real/relay.ts";
import { begin, startZoo, visit, zoo } from "./ovsdbZoo.ts";

const timeout = { timeout: 60_000 };
const uuid = "00000000-0000-4000-8000-00000000000a";
const place = { table: "Animal", uuid, column: "ids", key: "test" };

const legsOf = async (session: Session): Promise<unknown> =>
  (await session.select(zoo, "Animal", [["_uuid", "==", uuid]]))[0]?.legs;

test("a transaction is committed once, wherever the connection is cut", timeout, async () => {
  await using server = await startZoo();
  await using direct = await visit(server.remote);
  await direct.transact(begin().insert("Animal", { legs: 0 }, uuid));
  // What the next chunks meet: "pass"; "no request" cuts the connection before the server has it, "no answer" after.
  const faults: string[] = [];
  const next = (chunk: Buffer, mark: string): string | undefined =>
    chunk.includes(mark) ? faults.shift() : undefined;
  let cut = (): void => {};
  await using relay = await startRelay(server.remote, {
    toServer: (chunk) => {
      if (!chunk.includes('"transact"') || faults[0] !== "no request") return chunk;
      faults.shift();
      setImmediate(cut);
      return Buffer.alloc(0);
    },
    toClient: (chunk) => (next(chunk, '"result":[{') === "no answer" ? undefined : chunk),
  });
  cut = () => relay.cut();
  await using session = await visit(relay.remote, { minBackoffMs: 1, maxBackoffMs: 5 });
  let sum = 0;
  let found = 0;
  const marker = new Marker(place);
  const fault = fc.constantFrom("pass", "pass", "no request", "no answer");
  const counts = async (steps: readonly string[]): Promise<void> => {
    faults.push(...steps);
    const addOne = begin().mutateNumber("Animal", uuid, "legs", "+=", 1);
    const result = await session.transact(addOne, { marker });
    if (result.recovered) found++;
    sum++;
    faults.length = 0;
    assert.equal(await legsOf(direct), sum);
  };
  await fc.assert(fc.asyncProperty(fc.array(fault, { maxLength: 4 }), counts), { numRuns: 100 });
  await counts(["pass", "no answer"]);
  await counts(["no answer"]);
  assert(found > 0);
});

test("many at once keep their order, and a refused one harms none", timeout, async () => {
  await using server = await startZoo();
  await using session = await visit(server.remote);
  await session.transact(begin().insert("Animal", { legs: 1, ids: new Map([["other", "x"]]) }, uuid));
  const marker = new Marker(place);
  const results = await Promise.allSettled([
    session.transact(begin().mutateNumber("Animal", uuid, "legs", "*=", 10), { marker }),
    session.transact(begin().insert("Animal", {}, uuid), { marker }),
    session.transact(begin().mutateNumber("Animal", uuid, "legs", "+=", 5), { marker }),
    session.transact(begin().comment("a").delete("Animal", "00000000-0000-4000-8000-00000000000b"), {
      marker,
    }),
    session.transact(begin().select("Animal", uuid, ["legs"]), { marker }),
  ]);
  assert.deepEqual(
    results.map((result) =>
      result.status === "rejected"
        ? [result.reason.code, result.reason.operationIndex]
        : result.value.operations,
    ),
    [
      [{ count: 1 }],
      ["duplicate uuid", 0],
      [{ count: 1 }],
      ["no row", 1],
      [{ rows: [{ _uuid: uuid, legs: 15 }] }],
    ],
  );
  const [row] = await session.select(zoo, "Animal", [["_uuid", "==", uuid]]);
  assert(row?.ids instanceof Map);
  assert.equal(row.ids.get("other"), "x");
});

test("the last holder of the marker writes, and the one before is refused", timeout, async () => {
  await using server = await startZoo();
  await using session = await visit(server.remote);
  await session.transact(begin().insert("Animal", { legs: 0 }, uuid));
  const addOne = () => begin().mutateNumber("Animal", uuid, "legs", "+=", 1);
  const [former, latter] = [new Marker(place), new Marker(place)];
  await session.transact(addOne(), { marker: former });
  await session.transact(addOne(), { marker: latter });
  for (let attempt = 0; attempt < 2; attempt++)
    await assert.rejects(session.transact(addOne(), { marker: former }), {
      code: "not owner",
      outcome: "not committed",
    });
  assert.equal(await legsOf(session), 2);
});

test(
  "a transaction given up may still be committed, and the next one goes on from there",
  timeout,
  async () => {
    await using server = await startZoo();
    await using session = await visit(server.remote);
    await session.transact(begin().insert("Animal", { legs: 0 }, uuid));
    const marker = new Marker(place);
    const addOne = () => begin().mutateNumber("Animal", uuid, "legs", "+=", 1);
    await session.transact(addOne(), { marker });
    let sum = 1;
    for (let round = 0; round < 10; round++) {
      const controller = new AbortController();
      const given = session.transact(addOne(), { marker, signal: controller.signal });
      setImmediate(() => controller.abort());
      const before = await given.then(
        () => 1,
        (error: unknown) => {
          assert(isOvsdbError(error, "canceled"));
          return error.outcomeUnknown ? undefined : 0;
        },
      );
      await session.transact(addOne(), { marker });
      const now = Number(await legsOf(session));
      if (before === undefined) assert(now === sum + 1 || now === sum + 2);
      else assert.equal(now, sum + 1 + before);
      sum = now;
    }
  },
);

test("a marker's place without a row is named", timeout, async () => {
  await using server = await startZoo();
  await using session = await visit(server.remote);
  await assert.rejects(session.transact(begin().comment("x"), { marker: new Marker(place) }), {
    code: "no row",
    table: "Animal",
    uuid,
  });
});
