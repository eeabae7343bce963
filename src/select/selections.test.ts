import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../kube/objects.ts";
import { parseCidr } from "../model/ip.ts";
import { defaultNetwork, type Place } from "../model/place.ts";
import { atOnce, Fed, fail, put, stepwise } from "./fedFixture.ts";
import { Mirror, podsOf, testMemberSource } from "./memberSourceContract.ts";
import { namespaceFixture, placesByStatus, podFixture } from "./selectFixture.ts";
import {
  allNamespaces,
  labelSelection,
  namespacesMatching,
  oneNamespace,
  rangeSelection,
  type Selection,
} from "./selection.ts";
import { Selections } from "./selections.ts";

testMemberSource("computed at once", () => {
  const fed = new Fed();
  return { source: fed.source, show: (world) => fed.show(world) };
});
testMemberSource("computed step by step", () => {
  const fed = new Fed(stepwise);
  return { source: fed.source, show: (world) => fed.show(world) };
});

const everything = labelSelection(allNamespaces, []);

test("pods of the host's network, finished pods and pods without a place are not selected", async () => {
  const { source, pods } = new Fed();
  source.use("policy", [everything]);
  const at = (ip: string) => ({ podIps: [ip] });
  pods.apply([
    put(podFixture("shop", "host", {}, { ...at("10.0.0.1"), hostNetwork: true })),
    put(podFixture("shop", "done", {}, { ...at("10.0.0.2"), phase: "Succeeded" })),
    put(podFixture("shop", "failed", {}, { ...at("10.0.0.3"), phase: "Failed" })),
    put(podFixture("shop", "waiting", {})),
    put(podFixture("shop", "going", {}, { ...at("10.0.0.4"), deletionTimestamp: "2026-01-01T00:00:00Z" })),
    put(podFixture("shop", "web", {}, at("10.0.0.5"))),
  ]);
  await source.settled();
  assert.deepEqual(podsOf(source.members(everything)), ["shop/going", "shop/web"]);
  pods.apply([put(podFixture("shop", "web", {}, { ...at("10.0.0.5"), phase: "Succeeded" }))]);
  await source.settled();
  assert.deepEqual(podsOf(source.members(everything)), ["shop/going"]);
});

test("an unknown namespace counts among all namespaces and can be named, but no selector matches it", async () => {
  const { source, pods, namespaces } = new Fed();
  const named = labelSelection(oneNamespace("shop"), []);
  const absent = labelSelection(
    namespacesMatching([{ key: "team", operator: "DoesNotExist", values: [] }]),
    [],
  );
  source.use("policy", [everything, named, absent]);
  pods.apply([put(podFixture("shop", "web", {}, { podIps: ["10.0.0.1"] }))]);
  await source.settled();
  assert.deepEqual(
    [everything, named, absent].map((each) => source.members(each).size),
    [1, 1, 0],
  );
  namespaces.apply([put(namespaceFixture("shop", {}))]);
  await source.settled();
  assert.equal(source.members(absent).size, 1);
});

test("a pod on two networks has a place on each, and a range selects the one that is in it", async () => {
  const placeEach = (pod: Pod): readonly Place[] =>
    pod.podIps.flatMap((ip, index) =>
      placesByStatus({ ...pod, podIps: [ip] }).map((place) => ({
        ...place,
        network: index === 0 ? defaultNetwork : "storage",
      })),
    );
  const { source, pods } = new Fed(atOnce, placeEach);
  const storage = parseCidr("192.168.0.0/16");
  assert.ok(storage);
  const inStorage = rangeSelection(storage, []);
  source.use("policy", [everything, inStorage]);
  pods.apply([put(podFixture("shop", "web", {}, { podIps: ["10.0.0.1", "192.168.0.1"] }))]);
  await source.settled();
  const networks = (selection: Selection) => [...source.members(selection)].map(({ network }) => network);
  assert.deepEqual([networks(everything), networks(inStorage)], [["default", "storage"], ["storage"]]);
  pods.apply([put(podFixture("shop", "web", {}, { podIps: ["10.0.0.1"] }))]);
  await source.settled();
  assert.deepEqual([networks(everything), networks(inStorage)], [["default"], []]);
});

test("a change from a pod to itself looks up its places again", async () => {
  let address = "10.0.0.1";
  const { source, pods } = new Fed(atOnce, (pod) => placesByStatus({ ...pod, podIps: [address] }));
  source.use("policy", [everything]);
  const pod = podFixture("shop", "web", {});
  pods.apply([put(pod)]);
  address = "10.0.0.2";
  source.takePods([{ old: pod, new: pod }]);
  await source.settled();
  assert.deepEqual([...source.members(everything)], placesByStatus({ ...pod, podIps: [address] }));
});

test("a pod's change is reported before a namespace's labels are applied to thousands", async () => {
  const steps: Iterator<void, void>[] = [];
  const { source, pods, namespaces } = new Fed(async (job) => void steps.push(job));
  const sales = labelSelection(namespacesMatching([{ key: "team", operator: "In", values: ["sales"] }]), []);
  const web = labelSelection(allNamespaces, [{ key: "app", operator: "In", values: ["web"] }]);
  source.use("policy", [sales, web]);
  pods.apply(
    Array.from({ length: 100 }, (_, i) => put(podFixture("shop", `p${i}`, {}, { podIps: ["10.0.0.1"] }))),
  );
  await atOnce(steps.pop() ?? fail("no job"));
  const mirror = new Mirror(source);
  namespaces.apply([put(namespaceFixture("shop", { team: "sales" }))]);
  const job = steps.pop() ?? fail("no job");
  for (let step = 0; step < 10; step++) job.next();
  pods.apply([put(podFixture("shop", "p99", { app: "web" }, { podIps: ["10.0.0.1"] }))]);
  for (let step = 0; step < 4; step++) job.next();
  assert.deepEqual(mirror.membersOf(web), ["shop/p99"]);
  assert.ok(mirror.membersOf(sales).length < 20);
  assert.equal(source.isSettled, false);
  await atOnce(job);
  assert.deepEqual([source.isSettled, mirror.membersOf(sales).length], [true, 100]);
});

test("a listener that throws is reported, and the others hear the changes all the same", async () => {
  const errors: unknown[] = [];
  const source = new Selections({
    placesOf: placesByStatus,
    run: atOnce,
    onError: (error) => void errors.push(error),
  });
  source.subscribe(() => fail("broken"));
  const mirror = new Mirror(source);
  source.use("policy", [everything]);
  source.takePods([{ old: undefined, new: podFixture("shop", "web", {}, { podIps: ["10.0.0.1"] }) }]);
  await source.settled();
  assert.deepEqual([errors, mirror.membersOf(everything)], [["broken"], ["shop/web"]]);
});

test("a listener may change which selections are used", async () => {
  const { source, pods } = new Fed();
  const mirror = new Mirror(source);
  const web = labelSelection(allNamespaces, [{ key: "app", operator: "In", values: ["web"] }]);
  source.subscribe(() => source.use("policy", [web]));
  source.use("policy", [everything]);
  pods.apply([put(podFixture("shop", "web", { app: "web" }, { podIps: ["10.0.0.1"] }))]);
  await source.settled();
  assert.deepEqual([mirror.membersOf(everything), mirror.membersOf(web)], [[], ["shop/web"]]);
});

test("a listener may cause further changes", async () => {
  const { source, pods } = new Fed();
  const late = put(podFixture("shop", "late", {}, { podIps: ["10.0.0.2"] }));
  source.subscribe(() => pods.apply([late]));
  source.use("policy", [everything]);
  pods.apply([put(podFixture("shop", "web", {}, { podIps: ["10.0.0.1"] }))]);
  await source.settled();
  assert.deepEqual(podsOf(source.members(everything)), ["shop/late", "shop/web"]);
});
