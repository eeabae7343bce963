import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Pod } from "../kube/objects.ts";
import { concerned, goneByWord, ownerOf, parseOwner } from "./owners.ts";

const meta = {
  namespace: "shop",
  name: "web",
  uid: "u",
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
};
const pod: Pod = { ...meta, kind: "Pod", nodeName: "n1", hostNetwork: false, phase: "Running", podIps: [] };
const slice: EndpointSlice = {
  ...meta,
  kind: "EndpointSlice",
  serviceName: "web",
  addressType: "IPv4",
  endpoints: [],
  ports: [],
};

test("an owner's name leads back to its object", () => {
  assert.equal(ownerOf(pod), "pod/shop/web");
  assert.deepEqual(parseOwner("pod/shop/web"), { kind: "pod", namespace: "shop", name: "web" });
  assert.deepEqual(parseOwner("node/n1"), { kind: "node", namespace: "", name: "n1" });
  assert.deepEqual(parseOwner("cluster"), { kind: "cluster", namespace: "", name: "" });
  assert.throws(() => parseOwner("pond/x"), RangeError);
});

test("a pod concerns nobody until it is on a node, nor when it uses the node's network", () => {
  const planned = (change: Partial<Pod>) => concerned.Pod({ old: undefined, new: { ...pod, ...change } });
  assert.deepEqual(planned({}), ["pod/shop/web", "pool/n1"]);
  assert.deepEqual(planned({ nodeName: "" }), []);
  assert.deepEqual(planned({ hostNetwork: true }), []);
});

test("a slice concerns its Service, and a slice that moves concerns both", () => {
  const change = { old: slice, new: { ...slice, serviceName: "till" } };
  assert.deepEqual(concerned.EndpointSlice(change), ["service/shop/till", "service/shop/web"]);
});

test("only the server's word about an owner's own object says that it is gone", () => {
  assert.deepEqual(goneByWord({ old: pod, new: undefined, told: true }), ["pod/shop/web"]);
  assert.deepEqual(goneByWord({ old: pod, new: undefined }), []);
  assert.deepEqual(goneByWord({ old: slice, new: undefined, told: true }), []);
});
