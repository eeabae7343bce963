import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pods } from "../kinds/pod.ts";
import { asKubeObject, type KubeObject } from "../objects.ts";
import { ApiStore } from "./store.ts";

const pod = (namespace: string, name: string): KubeObject =>
  asKubeObject({ apiVersion: "v1", kind: "Pod", metadata: { namespace, name, uid: name } });

const namesIn = (store: ApiStore, namespace: string, after?: string): readonly string[] =>
  store
    .shelf(pods)
    .range(namespace, after)
    .map((entry) => entry.key);

describe("the store", () => {
  it("lists a namespace in the order of names, without those whose name it begins", () => {
    const store = new ApiStore([pods], 10);
    for (const [namespace, name] of [
      ["b", "z"],
      ["b-c", "x"],
      ["b", "a"],
      ["a", "q"],
      ["b0", "y"],
    ] as const)
      store.create(pods, pod(namespace, name));
    assert.deepEqual(namesIn(store, "b"), ["b/a", "b/z"]);
    assert.deepEqual(namesIn(store, "b", "b/a"), ["b/z"]);
    assert.deepEqual(namesIn(store, ""), ["a/q", "b-c/x", "b/a", "b/z", "b0/y"]);
    assert.deepEqual(namesIn(store, "", "b-c/x"), ["b/a", "b/z", "b0/y"]);
  });

  it("gives every write a higher revision, and a deletion one too", () => {
    const store = new ApiStore([pods], 10);
    const created = store.create(pods, pod("a", "p"));
    const replaced = store.replace(pods, created, created.object);
    const removed = store.remove(pods, replaced);
    assert.ok(created.revision < replaced.revision && replaced.revision < removed.revision);
    assert.equal(removed.object.metadata.resourceVersion, String(removed.revision));
    assert.equal(store.get(pods, "a", "p"), undefined);
  });

  it("remembers changes for as long as it promised, and knows when it has forgotten some", () => {
    const store = new ApiStore([pods], 3);
    const first = store.create(pods, pod("a", "p0"));
    for (let i = 1; i < 6; i++) store.create(pods, pod("a", `p${i}`));
    const shelf = store.shelf(pods);
    assert.equal(shelf.since(first.revision - 1), undefined);
    const recent = shelf.since(store.revision - 3);
    assert.deepEqual(
      recent?.map((change) => change.entry.key),
      ["a/p3", "a/p4", "a/p5"],
    );
    assert.deepEqual(shelf.since(store.revision), []);
  });

  it("takes a bulk in order, and sends a watch from before it back to the start", () => {
    const store = new ApiStore([pods], 10);
    const before = store.revision;
    store.load(
      pods,
      ["c", "a", "b"].map((name) => pod("n", name)),
    );
    assert.deepEqual(namesIn(store, "n"), ["n/a", "n/b", "n/c"]);
    assert.equal(store.shelf(pods).since(before), undefined);
    assert.deepEqual(store.shelf(pods).since(store.revision), []);
  });
});
