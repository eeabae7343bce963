import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { namespaces } from "../kinds/namespace.ts";
import { pods } from "../kinds/pod.ts";
import { asKubeObject, type KubeObject } from "../objects.ts";
import { keepJournal } from "./journal.ts";
import { ApiStore } from "./store.ts";

const pod = (name: string): KubeObject =>
  asKubeObject({ apiVersion: "v1", kind: "Pod", metadata: { namespace: "shop", name, uid: name } });

describe("the journal", () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-journal-"));
  after(() => rmSync(folder, { recursive: true }));

  /** A server's life: what it has at its start, and its store. */
  const life = (file: string): ApiStore => {
    const store = new ApiStore([pods, namespaces], 10);
    keepJournal(join(folder, file), store);
    return store;
  };
  const contents = (store: ApiStore): readonly string[] =>
    store
      .shelf(pods)
      .range("")
      .map(({ json }) => json);

  it("gives the next server the same objects under the same versions", () => {
    const first = life("same");
    const [web, till] = ["web", "till"].map((name) => first.create(pods, pod(name)));
    assert.ok(web && till);
    first.replace(pods, web, { ...web.object, spec: { nodeName: "n1" } });
    first.remove(pods, till);
    for (let start = 0; start < 3; start++) {
      const next = life("same");
      assert.deepEqual(contents(next), contents(first));
      assert.equal(next.revision, first.revision);
    }
  });

  it("sends a watch from before the start back to the start, also when only a deletion came after it", () => {
    const first = life("watch");
    const web = first.create(pods, pod("web"));
    first.create(namespaces, asKubeObject({ apiVersion: "v1", kind: "Namespace", metadata: { name: "a" } }));
    const seen = first.revision;
    first.remove(pods, web);
    const shelf = life("watch").shelf(pods);
    assert.equal(shelf.since(seen), undefined);
    assert.deepEqual(shelf.since(first.revision), []);
  });

  it("does without a line that was being written when the server was killed", () => {
    const first = life("torn");
    first.create(pods, pod("web"));
    appendFileSync(join(folder, "torn"), '{"shelf":"pods.","key":"shop/ti');
    const next = life("torn");
    assert.deepEqual(contents(next), contents(first));
    next.create(pods, pod("till"));
    assert.deepEqual(contents(life("torn")), contents(next));
  });

  it("tells listeners of what it puts back", () => {
    life("told").create(pods, pod("web"));
    const store = new ApiStore([pods], 10);
    const heard: string[] = [];
    store.subscribe(({ type, entry }) => heard.push(`${type} ${entry.key}`));
    keepJournal(join(folder, "told"), store);
    assert.deepEqual(heard, ["ADDED shop/web"]);
  });
});
