// What happens to objects that a list leaves out, with a server that is asked for them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiServer } from "./apiServer.ts";
import type { KubeClient } from "./client.ts";
import { silent } from "./clock.ts";
import { KubeError } from "./error.ts";
import { Intake } from "./intake.ts";
import { kinds } from "./kinds.ts";
import type { Service } from "./objects.ts";
import { Store } from "./store.ts";

interface Answers {
  /** The UID of kube-system; undefined when it may not be read. */
  cluster: string | undefined;
  version: number;
  /** Names of Services that the server has when it is asked for them. */
  readonly has: Set<string>;
  refuses: number | undefined;
}

const failure = (status: number): KubeError => new KubeError(`${status}`, { status, reason: "" });

/** Ten Services are known; the clock advances when the test says so. */
async function world() {
  const answers: Answers = { cluster: "this", version: 50, has: new Set(), refuses: undefined };
  const client: Pick<KubeClient, "get" | "list"> = {
    async get(path) {
      if (path.endsWith("/kube-system")) {
        if (answers.cluster === undefined) throw failure(403);
        return { metadata: { uid: answers.cluster } };
      }
      const name = path.split("/").at(-1) ?? "";
      if (answers.refuses !== undefined) throw failure(answers.refuses);
      if (answers.has.has(name)) return raw(name);
      throw failure(404);
    },
    async list() {
      if (answers.refuses !== undefined) throw failure(answers.refuses);
      return { items: [], resourceVersion: String(answers.version), continue: "" };
    },
  };
  const timers: (() => void)[] = [];
  const clock = {
    now: () => 0,
    wall: () => 0,
    after: (_: number, action: () => void) => {
      timers.push(action);
      return () => undefined;
    },
  };
  const server = new ApiServer(client);
  const store = new Store<Service>(kinds.Service.indexes, (error) => {
    throw error;
  });
  const ending = new AbortController();
  let listedAgain = 0;
  const keeping = {
    ...{ client, server, signal: ending.signal, isMeant: () => true },
    listAgain: () => listedAgain++,
  };
  const intake = new Intake(kinds.Service, store, { clock, log: silent }, keeping);
  const list = async (...names: readonly string[]): Promise<void> => {
    intake.beginList();
    for (const name of names) intake.put(raw(name));
    await intake.completeList(String(answers.version));
    server.reached(kinds.Service, String(answers.version));
  };
  /** Time passes, and everybody who was waiting for it is done. */
  const later = async (): Promise<void> => {
    for (const timer of timers.splice(0)) timer();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  await server.look(kinds.Service);
  await list(...ten);
  return { answers, server, store, intake, list, later, listedAgain: () => listedAgain };
}

const ten = Array.from({ length: 10 }, (_, index) => `s${index}`);
const raw = (name: string): object => ({
  metadata: { namespace: "shop", name, uid: `uid-${name}`, resourceVersion: "1" },
  spec: {},
});

test("what a list leaves out stays until the server says by name that it is gone, however much it is", async () => {
  const { store, list, later, answers } = await world();
  await list("s0");
  assert.deepEqual([store.size, store.freshness.unlisted], [10, 9]);
  answers.has.add("s1");
  await later();
  assert.deepEqual(
    [[...store.values()].map(({ name }) => name), store.freshness.unlisted],
    [["s0", "s1"], 1],
  );
  await list("s0", "s1");
  assert.equal(store.freshness.unlisted, 0);
});

test("a list that lacks what the server has by name is asked for again, and no other", async () => {
  const { list, later, answers, listedAgain } = await world();
  await list("s0");
  answers.cluster = "another";
  await later();
  assert.equal(listedAgain(), 0);
  answers.cluster = "this";
  answers.has.add("s1");
  await later();
  assert.equal(listedAgain(), 1);
  await list("s0", "s1");
  await later();
  assert.equal(listedAgain(), 1);
});

test("another cluster's server, and one that shows an older state, are not believed", async () => {
  for (const lie of [{ cluster: "another" }, { version: 49 }]) {
    const { store, list, later, answers, server } = await world();
    Object.assign(answers, lie);
    await list();
    await later();
    await later();
    assert.deepEqual([store.size, store.freshness.unlisted], [10, 10]);
    assert.match(server.doubt ?? "", /another cluster's|an older state/);
    // The known one is back.
    Object.assign(answers, { cluster: "this", version: 51 });
    await later();
    assert.deepEqual([store.size, server.doubt], [0, undefined]);
  }
});

test("a kind that the server does not let be read keeps its objects", async () => {
  for (const refuses of [403, 404]) {
    const { store, list, later, answers } = await world();
    answers.refuses = refuses;
    await list();
    await later();
    assert.equal(store.size, 10);
  }
});

test("where nobody can tell which server it is, only few objects go", async () => {
  for (const [left, size] of [
    [7, 7],
    [6, 10],
  ] as const) {
    const { answers, list, later, store } = await world();
    answers.cluster = undefined;
    await list(...ten.slice(0, left));
    await later();
    assert.equal(store.size, size);
  }
});

test("a DELETED event counts at once, and so does a person who believes the server", async () => {
  const { store, list, intake, server, answers } = await world();
  answers.cluster = "another";
  await list();
  intake.remove("shop", "s0", "51");
  intake.flush();
  assert.deepEqual([store.size, store.freshness.unlisted], [9, 9]);
  server.believe();
  assert.deepEqual([store.size, store.freshness.unlisted], [0, 0]);
});
