import assert from "node:assert/strict";
import { test } from "node:test";
import { CniError } from "../nouns/cniError.ts";
import { unlessGone } from "./unlessGone.ts";

const pod = { namespace: "shop", name: "web", uid: "u" };
const never = new AbortController().signal;

/** Rejects with `reason` as soon as its signal is aborted. */
const waits =
  (reason: string) =>
  (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error(reason))));

test("a task whose pod departs ends, and the error says that and not what it waited for", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const task = unlessGone(() => promise, pod, never, waits("waited for flows"));
  resolve("it was deleted");
  await assert.rejects(task, (error) => {
    assert.ok(error instanceof CniError);
    assert.deepEqual([error.code, error.message], [3, "pod shop/web: it was deleted"]);
    return true;
  });
});

test("without a departure a task ends as it likes, and nobody looks for one any longer", async () => {
  const looking: AbortSignal[] = [];
  const departure = (_: unknown, signal: AbortSignal) => {
    looking.push(signal);
    return waits("nobody waits")(signal);
  };
  assert.equal(await unlessGone(departure, pod, never, () => Promise.resolve(7)), 7);
  const failing = unlessGone(departure, pod, never, () => Promise.reject(new Error("broken")));
  await assert.rejects(failing, /broken/);
  const broken = () => Promise.reject(new Error("cannot tell"));
  assert.equal(await unlessGone(broken, pod, never, () => Promise.resolve(8)), 8);
  assert.deepEqual(
    looking.map(({ aborted }) => aborted),
    [true, true],
  );
});
