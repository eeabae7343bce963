import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Endpoint, EndpointSlice, Service } from "../client/objects.ts";
import type { EndpointGroup } from "./endpoints.ts";
import { sliceWrites } from "./slices.ts";

const service: Service = {
  metadata: { name: "web", namespace: "shop", uid: "s", labels: { team: "blue" } },
  spec: { clusterIP: "10.96.0.1" },
};
const endpoint = (number: number, ready = true): Endpoint => ({
  addresses: [`10.0.${number >> 8}.${number & 255}`],
  conditions: { ready, serving: ready, terminating: false },
  targetRef: { kind: "Pod", namespace: "shop", name: `p${number}`, uid: `p${number}` },
});
const group = (numbers: readonly number[], port = 8080): EndpointGroup => ({
  family: "IPv4",
  ports: numbers.length > 0 ? [{ name: "", protocol: "TCP", port }] : [],
  endpoints: numbers.map((number) => endpoint(number)),
});
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

let made = 0;
/** The slices that an API server would hold after the writes. */
function applied(groups: readonly EndpointGroup[], existing: readonly EndpointSlice[]): EndpointSlice[] {
  const { create, update, remove } = sliceWrites(service, groups, existing);
  const gone = new Set([...remove, ...update].map(({ metadata }) => metadata.name));
  return [
    ...existing.filter(({ metadata }) => !gone.has(metadata.name)),
    ...update,
    ...create.map((slice) => ({ ...slice, metadata: { ...slice.metadata, name: `web-${made++}` } })),
  ];
}
const held = (slices: readonly EndpointSlice[]) =>
  slices.flatMap(({ endpoints }) => (endpoints ?? []).map(({ targetRef }) => targetRef?.name ?? "")).sort();

test("a new slice belongs to its Service and is found by its labels", () => {
  const { create } = sliceWrites(service, [group([1])], []);
  assert.equal(create.length, 1);
  assert.deepEqual(create[0]?.metadata.labels, {
    team: "blue",
    "kubernetes.io/service-name": "web",
    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
  });
  assert.equal(create[0]?.metadata.ownerReferences?.[0]?.uid, "s");
  assert.equal(create[0]?.metadata.generateName, "web-");
});

test("a headless Service's slices say so", () => {
  const headless = { ...service, spec: { clusterIP: "None" } };
  const { create } = sliceWrites(headless, [group([1])], []);
  assert.equal(create[0]?.metadata.labels?.["service.kubernetes.io/headless"], "");
});

test("a Service without endpoints has one empty slice, which the first endpoint fills", () => {
  const empty = applied([group([])], []);
  assert.equal(empty.length, 1);
  assert.deepEqual(sliceWrites(service, [group([])], empty), { create: [], update: [], remove: [] });
  const filled = sliceWrites(service, [group([1])], empty);
  assert.deepEqual([filled.create.length, filled.update.length, filled.remove.length], [0, 1, 0]);
});

test("a slice holds at most a hundred endpoints, and one more pod changes one slice", () => {
  const slices = applied([group(range(0, 250))], []);
  assert.deepEqual(
    slices.map(({ endpoints }) => endpoints?.length),
    [100, 100, 50],
  );
  const { create, update, remove } = sliceWrites(service, [group(range(0, 251))], slices);
  assert.deepEqual([create.length, update.length, remove.length], [0, 1, 0]);
});

test("an endpoint whose conditions change stays in its slice", () => {
  const slices = applied([group(range(0, 150))], []);
  const changed = {
    ...group(range(0, 150)),
    endpoints: range(0, 150).map((number) => endpoint(number, number !== 120)),
  };
  const { create, update, remove } = sliceWrites(service, [changed], slices);
  assert.deepEqual([create.length, update.length, remove.length], [0, 1, 0]);
  assert.equal(update[0]?.metadata.name, slices[1]?.metadata.name);
});

test("after any changes the slices hold exactly the endpoints, each once, and nothing is left to write", () => {
  const state = fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 300 });
  fc.assert(
    fc.property(fc.array(fc.tuple(state, fc.boolean()), { maxLength: 5 }), (states) => {
      let slices: EndpointSlice[] = [];
      for (const [numbers, split] of states) {
        const cut = split ? numbers.length >> 1 : numbers.length;
        const parts = [group(numbers.slice(0, cut)), group(numbers.slice(cut), 9090)];
        const wanted = parts.filter((part, index) => index === 0 || part.endpoints.length > 0);
        slices = applied(wanted, slices);
        assert.deepEqual(held(slices), numbers.map((number) => `p${number}`).sort());
        assert.ok(slices.every(({ endpoints }) => (endpoints ?? []).length <= 100));
        assert.deepEqual(sliceWrites(service, wanted, slices), { create: [], update: [], remove: [] });
      }
    }),
    { numRuns: 50 },
  );
});
