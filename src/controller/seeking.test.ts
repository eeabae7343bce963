import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { emptyStore, storesOf } from "../kube/stores.ts";
import { Seeking } from "./seeking.ts";

const slice = (name: string) => ({
  metadata: { namespace: "shop", name, uid: name, resourceVersion: "7" },
  addressType: "IPv4",
});
const sought = {
  kind: "EndpointSlice",
  namespace: "shop",
  selector: "kubernetes.io/service-name=web",
} as const;

/** An API server whose next answers are `answers`. */
function world(...answers: (Error | readonly object[])[]) {
  const asked: string[] = [];
  const later: string[] = [];
  const stores = storesOf(emptyStore);
  const seeking = new Seeking({
    client: {
      list: async (path, options) => {
        asked.push(`${path} ${String(options?.query?.["labelSelector"])}`);
        const answer = answers.shift() ?? [];
        if (answer instanceof Error) throw answer;
        return { items: answer, resourceVersion: "9", continue: "" };
      },
    },
    stores,
    enqueue: (owner) => later.push(owner),
    clock: {
      now: () => 0,
      wall: () => 0,
      after: (ms, action) => {
        assert.equal(ms, 30_000);
        setImmediate(action);
        return () => undefined;
      },
    },
    log: () => undefined,
    signal: new AbortController().signal,
  });
  return { seeking, asked, later, slices: () => [...stores.EndpointSlice.values()].map(({ name }) => name) };
}

const settle = async (): Promise<void> => {
  for (let count = 0; count < 10; count++) await turn();
};

test("what the server has is taken in", async () => {
  const { seeking, asked, slices } = world([slice("web-1"), slice("web-2")]);
  seeking.seek("service/shop/web", sought);
  await settle();
  const path = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
  assert.deepEqual(asked, [`${path} kubernetes.io/service-name=web`]);
  assert.deepEqual(slices(), ["web-1", "web-2"]);
});

test("owners are asked for one after the other and planned again later, whatever the answer", async () => {
  const { seeking, asked, later } = world([], new Error("the server is away"), [slice("web-1")]);
  const owners = ["service/shop/a", "service/shop/b", "service/shop/c"];
  for (const owner of owners) seeking.seek(owner, sought);
  await settle();
  assert.equal(asked.length, 3);
  assert.deepEqual(later, owners);
});
