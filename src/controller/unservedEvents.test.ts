import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../kube/kinds.ts";
import type { Service } from "../kube/objects.ts";
import { emptyStore, storesOf } from "../kube/stores.ts";
import { followUnserved } from "./unservedEvents.ts";

const service = (version: number, unserved: readonly string[], uid = "uid"): Service => ({
  kind: "Service",
  namespace: "shop",
  name: "web",
  uid,
  resourceVersion: String(version),
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
  unserved,
  type: "NodePort",
  clusterIps: [],
  ports: [],
  hasSelector: true,
  affinitySeconds: version,
  publishNotReadyAddresses: false,
});

test("an object is told once what it asks for in vain, and again when that changes or the object is replaced", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const stores = storesOf(emptyStore);
  const put = (...args: Parameters<typeof service>): void =>
    stores.Service.apply([{ type: "put", object: service(...args) }]);
  put(1, ["a"]);
  const told: string[] = [];
  const ending = new AbortController();
  const inThisMode = ({ labels }: KubeObject): readonly string[] => (labels["here"] === "too" ? ["d"] : []);
  followUnserved(stores, inThisMode, ({ name }, message) => told.push(`${name}: ${message}`), ending.signal);
  context.mock.timers.tick(500);
  put(2, ["a"]);
  put(3, ["a", "b"]);
  put(4, []);
  put(5, ["b"]);
  put(6, ["b"], "another");
  stores.Service.apply([
    { type: "put", object: { ...service(7, ["b"], "another"), labels: { here: "too" } } },
  ]);
  ending.abort();
  put(7, ["c"]);
  const text = (what: string): string => `web: Weft does not serve this: ${what}`;
  assert.deepEqual(told, [text("a"), text("a, b"), text("b"), text("b"), text("b, d")]);
});
