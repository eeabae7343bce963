// How a Kubernetes API reports changes. Runs against the sandbox's server, or against any other whose kubeconfig
// WEFT_API_KUBECONFIG names.

import assert from "node:assert/strict";
import { after, before, describe, it, test } from "node:test";
import { type JsonObject, textAt } from "../../sandbox/api/json.ts";
import { ApiUnderTest, type WatchEvent } from "./apiUnderTest.ts";

let api: ApiUnderTest;
before(async () => {
  api = await ApiUnderTest.start();
});
after(() => api[Symbol.asyncDispose]());

const mergePatch = "application/merge-patch+json";
const version = (object: JsonObject): string => textAt(object, "metadata", "resourceVersion");
const secrets = (): string => api.path("secrets");
const make = (name: string, labels: JsonObject = {}): Promise<JsonObject> =>
  api.expect(201, "POST", secrets(), { metadata: { name, labels } });
const label = (name: string, labels: JsonObject): Promise<JsonObject> =>
  api.expect(200, "PATCH", `${secrets()}/${name}`, { metadata: { labels } }, mergePatch);
const told = ({ type, object }: WatchEvent): string => `${type} ${textAt(object, "metadata", "name")}`;

/** The next `count` events. */
async function take(events: AsyncGenerator<WatchEvent, void>, count: number): Promise<readonly WatchEvent[]> {
  const taken: WatchEvent[] = [];
  while (taken.length < count) {
    const next = await events.next();
    assert.ok(!next.done, `the watch ended after ${taken.map(told).join(", ")}`);
    taken.push(next.value);
  }
  return taken;
}

/** Once this is true, every event of the watch has been consumed and the connection returned. */
const stop = (events: AsyncGenerator<WatchEvent, void>): Promise<unknown> => events.return();

describe("a watch", () => {
  it("from a list's resourceVersion misses nothing that came after it", async () => {
    const start = version(await api.expect(200, "GET", secrets()));
    await make("seen");
    const changed = await label("seen", { a: "1" });
    await api.expect(200, "DELETE", `${secrets()}/seen`);
    const events = api.watch(secrets(), `resourceVersion=${start}`);
    const seen = await take(events, 3);
    assert.deepEqual(seen.map(told), ["ADDED seen", "MODIFIED seen", "DELETED seen"]);
    assert.equal(version(seen[1]?.object ?? {}), version(changed));
    const versions = seen.map(({ object }) => BigInt(version(object)));
    assert.deepEqual(
      versions.toSorted((a, b) => (a < b ? -1 : 1)),
      versions,
    );
    await make("later");
    assert.deepEqual((await take(events, 1)).map(told), ["ADDED later"]);
    await stop(events);
  });

  it("without a resourceVersion begins with what is there", async () => {
    await make("present", { begin: "here" });
    const events = api.watch(secrets(), "labelSelector=begin%3Dhere");
    assert.deepEqual((await take(events, 1)).map(told), ["ADDED present"]);
    await stop(events);
  });

  it("with a selector sees objects come and go as they begin and end to match", async () => {
    const made = await make("fickle", { mood: "off" });
    const events = api.watch(secrets(), `resourceVersion=${version(made)}&labelSelector=mood%3Don`);
    await label("fickle", { mood: "on" });
    await label("fickle", { other: "change" });
    const last = await label("fickle", { mood: "off" });
    const seen = await take(events, 3);
    assert.deepEqual(seen.map(told), ["ADDED fickle", "MODIFIED fickle", "DELETED fickle"]);
    assert.equal(version(seen[2]?.object ?? {}), version(last));
    await stop(events);
  });

  it("with a name as field selector sees that object only", async () => {
    const events = api.watch(secrets(), "fieldSelector=metadata.name%3Dalone");
    await make("not-alone");
    await make("alone");
    assert.deepEqual((await take(events, 1)).map(told), ["ADDED alone"]);
    await stop(events);
  });

  it("that asks for a list first gets it, a bookmark that ends it, and then the changes", async () => {
    for (const name of ["list-a", "list-b"]) await make(name, { listed: "yes" });
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const events = api.watch(secrets(), `${query}&labelSelector=listed%3Dyes`);
    const [first, second, end] = await take(events, 3);
    assert.ok(first && second && end);
    assert.deepEqual([first, second].map(told).sort(), ["ADDED list-a", "ADDED list-b"]);
    assert.equal(end.type, "BOOKMARK");
    assert.equal(textAt(end.object, "kind"), "Secret");
    assert.equal(textAt(end.object, "metadata", "annotations", "k8s.io/initial-events-end"), "true");
    await make("list-c", { listed: "yes" });
    const [next] = await take(events, 1);
    assert.ok(next && BigInt(version(next.object)) > BigInt(version(end.object)));
    await stop(events);
  });

  it("that asks for a list first has to say how old it may be", async () => {
    await api.expect(422, "GET", `${secrets()}?watch=true&sendInitialEvents=true`);
  });

  it("ends when its time is over", async () => {
    const events = api.watch(secrets(), "timeoutSeconds=1&labelSelector=nothing%3Dhere");
    assert.equal((await events.next()).done, true);
  });
});

// Its history is as long as it was told to be; a real server's ends where etcd was compacted, which takes minutes.
test("a watch from a resourceVersion that the sandbox's server has forgotten is told to start anew", async () => {
  await using own = await ApiUnderTest.startEmbedded();
  const path = own.path("secrets");
  await own.expect(201, "POST", path, { metadata: { name: "busy" } });
  for (let i = 0; i < 110; i++) {
    const patch = { metadata: { labels: { count: String(i) } } };
    await own.expect(200, "PATCH", `${path}/busy`, patch, mergePatch);
  }
  const answer = own.watch(path, "resourceVersion=1");
  const [event] = await take(answer, 1);
  assert.equal(event?.type, "ERROR");
  assert.deepEqual([event?.object["code"], event?.object["reason"]], [410, "Expired"]);
  assert.equal((await answer.next()).done, true);
});
