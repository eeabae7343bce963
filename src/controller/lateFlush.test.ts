import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { LateFlush } from "./lateFlush.ts";

/** Each statement waits until the test commits it. */
function world() {
  const stated: (readonly (readonly [string, string])[])[] = [];
  const errors: string[] = [];
  const kept: number[] = [];
  let answer = Promise.withResolvers<void>();
  const flush: LateFlush = new LateFlush({
    row: "own",
    clock: {
      after: (ms, action) => {
        kept.push(ms);
        action();
        return () => undefined;
      },
    },
    state: () => {
      stated.push([...flush.now].map(([vip, endpoints]) => [vip, endpoints.join()]));
      return answer.promise;
    },
    onError: (error) => errors.push(String(error)),
  });
  const next = async (settle: (last: PromiseWithResolvers<void>) => void): Promise<void> => {
    const last = answer;
    answer = Promise.withResolvers<void>();
    settle(last);
    await turn();
  };
  const lose = (vip: string, ...endpoints: string[]): void =>
    flush.lost([{ uuid: "web", vips: new Map([[vip, endpoints]]) }]);
  return { flush, stated, errors, kept, lose, commit: () => next(({ resolve }) => resolve()), next };
}

test("what is lost is taken in and dropped again, and what is lost meanwhile comes next, all together", async () => {
  const { flush, stated, kept, lose, commit } = world();
  lose("10.96.0.2:53", "10.244.1.5:53");
  lose("10.96.0.2:53", "10.244.1.4:53", "10.244.1.5:53");
  lose("10.96.0.3:53", "10.244.1.6:53");
  assert.deepEqual(stated, [[["10.96.0.2:53", "10.244.1.5:53"]]]);
  await commit();
  assert.deepEqual(stated[1], []);
  await commit();
  const second = [
    ["10.96.0.2:53", "10.244.1.4:53,10.244.1.5:53"],
    ["10.96.0.3:53", "10.244.1.6:53"],
  ];
  assert.deepEqual(stated[2], second);
  await commit();
  await commit();
  assert.deepEqual(stated.slice(3), [[]]);
  assert.equal(flush.now.size, 0);
  assert.deepEqual(kept, [1_000, 1_000]);
});

test("what the balancer itself drops is not lost", async () => {
  const { flush, stated } = world();
  flush.lost([{ uuid: "own", vips: new Map([["10.96.0.2:53", ["10.244.1.5:53"]]]) }]);
  assert.deepEqual(stated, []);
});

test("a statement that fails ends the round, and the next loss begins another", async () => {
  const { flush, stated, errors, lose, next } = world();
  lose("10.96.0.2:53", "10.244.1.5:53");
  await next(({ reject }) => reject(new Error("the term is over")));
  assert.deepEqual(errors, ["Error: the term is over"]);
  assert.equal(flush.now.size, 0);
  lose("10.96.0.2:53", "10.244.1.6:53");
  assert.deepEqual(stated.at(-1), [["10.96.0.2:53", "10.244.1.6:53"]]);
});
