import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { kinds } from "./kinds.ts";
import type { Pod } from "./objects.ts";
import { type Change, type Edit, Store } from "./store.ts";

const pod = (name: string, fields: Partial<Pod> = {}): Pod => ({
  kind: "Pod",
  namespace: "shop",
  name,
  uid: `uid-${name}`,
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
  nodeName: "n1",
  hostNetwork: false,
  phase: "Running",
  podIps: [],
  ...fields,
});
const put = (object: Pod): Edit<Pod> => ({ type: "put", object });
const remove = (name: string): Edit<Pod> => ({ type: "remove", namespace: "shop", name });

function pods(): { store: Store<Pod>; batches: (readonly Change<Pod>[])[] } {
  const store = new Store(kinds.Pod.indexes, (error) => assert.fail(String(error)));
  const batches: (readonly Change<Pod>[])[] = [];
  store.subscribe((changes) => void batches.push(changes));
  return { store, batches };
}

test("one batch of edits is told in one call, in order", () => {
  const { store, batches } = pods();
  const [a, b, moved] = [pod("a"), pod("b"), pod("a", { resourceVersion: "2", nodeName: "n2" })];
  store.apply([put(a), put(b), put(moved), remove("b"), remove("never was")]);
  assert.deepEqual(batches, [
    [
      { old: undefined, new: a },
      { old: undefined, new: b },
      { old: a, new: moved },
      { old: b, new: undefined },
    ],
  ]);
});

test("a change of nothing but the resourceVersion wakes nobody, and is kept", () => {
  const { store, batches } = pods();
  store.apply([put(pod("a"))]);
  store.apply([put(pod("a", { resourceVersion: "2" }))]);
  assert.equal(batches.length, 1);
  assert.equal(store.get("shop", "a")?.resourceVersion, "2");
});

test("an object deleted and made again under its name is one change with two uids", () => {
  const { store, batches } = pods();
  store.apply([put(pod("a"))]);
  store.apply([put(pod("a", { uid: "another", resourceVersion: "2" }))]);
  assert.deepEqual(
    batches[1]?.map((change) => [change.old?.uid, change.new?.uid]),
    [["uid-a", "another"]],
  );
});

test("who has unsubscribed is told nothing", () => {
  const { store, batches } = pods();
  let calls = 0;
  const unsubscribe = store.subscribe(() => void calls++);
  store.apply([put(pod("a"))]);
  unsubscribe();
  store.apply([put(pod("b"))]);
  assert.equal(calls, 1);
  assert.equal(batches.length, 2);
});

test("an index that does not exist is named, with those that do", () => {
  assert.throws(() => pods().store.by("phase", "Running"), /no index "phase", only: node/);
});

test("whatever the edits, an index finds what a search through all objects finds", () => {
  const edit = fc.oneof(
    fc
      .record({
        name: fc.constantFrom("a", "b", "c"),
        node: fc.constantFrom("", "n1", "n2"),
        version: fc.nat(5),
      })
      .map(({ name, node, version }) => put(pod(name, { nodeName: node, resourceVersion: `${version}` }))),
    fc.constantFrom("a", "b", "c").map(remove),
  );
  fc.assert(
    fc.property(fc.array(edit), (edits) => {
      const { store } = pods();
      store.apply(edits);
      for (const node of ["n1", "n2"]) {
        const found = [...store.values()].filter((pod) => pod.nodeName === node);
        assert.deepEqual(new Set(store.by("node", node)), new Set(found));
      }
      assert.equal(store.by("node", "").length, 0);
    }),
  );
});

test("two states of one version, as a server restored from a backup has them, are told apart", () => {
  const { store, batches } = pods();
  store.apply([put(pod("a"))]);
  store.apply([put(pod("a"))]);
  assert.equal(batches.length, 1);
  store.apply([put(pod("a", { nodeName: "n2" }))]);
  assert.equal(batches.length, 2);
  assert.equal(store.get("shop", "a")?.nodeName, "n2");
});
