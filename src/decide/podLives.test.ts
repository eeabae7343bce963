import assert from "node:assert/strict";
import { test } from "node:test";
import { podNetworkAnnotation, podNetworkOf } from "../kube/annotations.ts";
import { formatCidr } from "../model/ip.ts";
import { podNetworkAt } from "../model/network.ts";
import { PortRows } from "../observe/rowAddressesFixture.ts";
import { Api, aNode, aPod, decider, ready, settled, subnet, texts } from "./decidedFixture.ts";

const stating = (offset: number, name = "web-1") =>
  aPod(name, { annotations: podNetworkAnnotation(podNetworkAt([subnet("10.244.0.0/24")], offset)) });

test("a pod waits for its node, and asks the API server once however often it is asked about", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const deciding = await decider(api);
  assert.equal(deciding.podLives.decide(api.pod("web-1")).state, "waiting");
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  const pod = api.pod("web-1");
  assert.equal(deciding.podLives.decide(pod).state, "pending");
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(pod)))), ["10.244.0.3/24"]);
  assert.equal(api.writes, 2);
});

test("a pod gets no address while somebody else has made a port with its port's name", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const rows = new PortRows();
  rows.set("row", "demo_pod_shop_web-1", ["0a:58:0a:f4:00:77 10.244.0.119"], "", "somebody else");
  const deciding = await decider(api, { rows });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  assert.deepEqual(deciding.podLives.decide(api.pod("web-1")), {
    state: "refused",
    reason:
      "port demo_pod_shop_web-1 in the northbound database is not Weft's: find out who made it, then ovn-nbctl lsp-del demo_pod_shop_web-1",
  });
  rows.delete("row");
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(api.pod("web-1"))))), [
    "10.244.0.3/24",
  ]);
});

test("host-network and finished pods get no address", async () => {
  const deciding = await decider(new Api());
  for (const change of [
    { hostNetwork: true },
    { phase: "Succeeded" as const },
    { phase: "Failed" as const },
  ]) {
    assert.deepEqual(deciding.podLives.decide(aPod("web-1", change)), { state: "none" });
  }
});

test("a pod that copies another's annotation gets an address of its own, with a reason", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const deciding = await decider(api);
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  await settled(() => deciding.podLives.decide(api.pod("web-1")));
  const thief = aPod("thief", { annotations: api.pod("web-1").annotations });
  api.put(thief);
  const decision = deciding.podLives.decide(thief);
  assert.equal(decision.state === "pending" && decision.distrusted, "10.244.0.3 is another pod's");
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(thief)))), ["10.244.0.4/24"]);
  assert.deepEqual(podNetworkOf(api.pod("thief"))?.addresses.map(formatCidr), ["10.244.0.4/24"]);
});

test("after a restart the pod whose row has the address keeps it, even if a thief's name sorts first", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const before = await decider(api);
  await settled(() => before.nodeLives.decide(api.node("n1")));
  await settled(() => before.podLives.decide(api.pod("web-1")));
  api.put(aPod("a-thief", { annotations: api.pod("web-1").annotations }));
  const rows = new PortRows();
  rows.set("row", "demo_pod_shop_web-1", ["0a:58:0a:f4:00:03 10.244.0.3"], "uid-web-1");
  const after = await decider(api, { rows });
  await settled(() => after.nodeLives.decide(api.node("n1")));
  assert.deepEqual(texts(ready(after.podLives.decide(api.pod("web-1")))), ["10.244.0.3/24"]);
  assert.deepEqual(texts(ready(await settled(() => after.podLives.decide(api.pod("a-thief"))))), [
    "10.244.0.4/24",
  ]);
});

test("an annotation alone gives a pod no address, neither a new pod nor after a restart", async () => {
  const api = new Api();
  api.put(aNode("n1"), stating(9, "early"));
  const deciding = await decider(api);
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  api.put(stating(8, "late"));
  const lie = deciding.podLives.decide(api.pod("late"));
  assert.equal(
    lie.state === "pending" && lie.distrusted,
    "nothing but the annotation says that the pod has 10.244.0.8/24",
  );
  const given = [];
  for (const name of ["late", "early"])
    given.push(texts(ready(await settled(() => deciding.podLives.decide(api.pod(name))))).join());
  assert.deepEqual(given, ["10.244.0.3/24", "10.244.0.4/24"]);
});

test("an address that was freed is not to be had by annotation, whatever the name of the pod", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const rows = new PortRows();
  const deciding = await decider(api, { rows });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  await settled(() => deciding.podLives.decide(api.pod("web-1")));
  rows.set("row", "demo_pod_shop_web-1", ["0a:58:0a:f4:00:03 10.244.0.3"], "uid-web-1");
  const { annotations: copied } = api.pod("web-1");
  api.objects.clear();
  const again = aPod("web-1", { uid: "uid-again", annotations: copied });
  const other = aPod("other", { annotations: copied });
  api.put(aNode("n1"), again, other);
  // The row of the first pod is still there for one of them, and gone for the other.
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(again)))), ["10.244.0.4/24"]);
  rows.delete("row");
  deciding.podLives.release("shop", "web-1", "uid-web-1");
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(other)))), ["10.244.0.5/24"]);
});

test("after a restart a pod keeps the address of its row, whatever its annotation has become", async () => {
  const rows = new PortRows();
  rows.set("row", "demo_pod_shop_web-1", ["0a:58:0a:f4:00:07 10.244.0.7"], "uid-web-1");
  for (const pod of [aPod("web-1"), stating(9), stating(7)]) {
    const api = new Api();
    api.put(aNode("n1"), pod);
    const deciding = await decider(api, { rows });
    await settled(() => deciding.nodeLives.decide(api.node("n1")));
    assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(pod)))), ["10.244.0.7/24"]);
  }
});

test("if the rows are lost, a running pod keeps the addresses that its kubelet reports", async () => {
  const api = new Api();
  const podIps = ["10.244.0.7", "fd00:10:244::7"];
  api.put(aNode("n1"), { ...stating(9), podIps }, aPod("a-new", {}));
  const deciding = await decider(api, { pods: ["10.244.0.0/16", "fd00:10:244::/48"] });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  const running = ready(await settled(() => deciding.podLives.decide(api.pod("web-1"))));
  assert.deepEqual(texts(running), ["10.244.0.7/24", "fd00:10:244::7/64"]);
  const fresh = ready(await settled(() => deciding.podLives.decide(api.pod("a-new"))));
  assert.deepEqual(texts(fresh), ["10.244.0.8/24", "fd00:10:244::8/64"]);
});

test("a running pod keeps its addresses when a restored database gives them to a pod that is gone", async () => {
  const api = new Api();
  const rows = new PortRows();
  rows.set("row", "demo_pod_shop_gone", ["0a:58:0a:f4:00:07 10.244.0.7"], "uid-gone");
  api.put(aNode("n1"), aPod("web-1", { podIps: ["10.244.0.7"] }), aPod("a-new"));
  const deciding = await decider(api, { rows });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  const given = [];
  for (const name of ["a-new", "web-1"])
    given.push(texts(ready(await settled(() => deciding.podLives.decide(api.pod(name))))).join());
  assert.deepEqual(given, ["10.244.0.3/24", "10.244.0.7/24"]);
});

test("a running pod keeps its addresses when a restored database gives them to an earlier pod of a name in use", async () => {
  const api = new Api();
  const rows = new PortRows();
  rows.set("row", "demo_pod_shop_db-0", ["0a:58:0a:f4:00:07 10.244.0.7"], "uid-earlier");
  api.put(aNode("n1"), aPod("web-1", { podIps: ["10.244.0.7"] }), aPod("db-0", { podIps: ["10.244.0.9"] }));
  const deciding = await decider(api, { rows });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  const given = [];
  for (const name of ["db-0", "web-1"])
    given.push(texts(ready(await settled(() => deciding.podLives.decide(api.pod(name))))).join());
  assert.deepEqual(given, ["10.244.0.9/24", "10.244.0.7/24"]);
});

test("no new pod gets a running pod's address, even if the row of a pod that is gone, which had it, goes first", async () => {
  const api = new Api();
  api.put(aNode("n1"));
  const before = await decider(api);
  await settled(() => before.nodeLives.decide(api.node("n1")));
  const rows = new PortRows();
  rows.set("row", "demo_pod_shop_gone", ["0a:58:0a:f4:00:03 10.244.0.3"], "uid-gone");
  api.put(aPod("web-1", { podIps: ["10.244.0.3"] }), aPod("a-new"));
  const after = await decider(api, { rows });
  await settled(() => after.nodeLives.decide(api.node("n1")));
  rows.delete("row");
  const given = [];
  for (const name of ["a-new", "web-1"])
    given.push(texts(ready(await settled(() => after.podLives.decide(api.pod(name))))).join());
  assert.deepEqual(given, ["10.244.0.4/24", "10.244.0.3/24"]);
});

test("a kubelet cannot report an address of another node, nor one that another pod has", async () => {
  const api = new Api();
  const rows = new PortRows();
  rows.set("row", "demo_pod_shop_web-1", ["0a:58:0a:f4:00:03 10.244.0.3"], "uid-web-1");
  api.put(aNode("n1"), aPod("web-1"));
  api.put(aPod("far", { podIps: ["10.244.1.5"] }), aPod("near", { podIps: ["10.244.0.3"] }));
  api.put(aPod("odd", { podIps: ["169.254.169.254"] }), aPod("part", { podIps: ["10.244.0.9", "fd00::9"] }));
  const deciding = await decider(api, { rows });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  const given = [];
  for (const name of ["far", "near", "odd", "part", "web-1"])
    given.push(texts(ready(await settled(() => deciding.podLives.decide(api.pod(name))))).join());
  assert.deepEqual(given, [
    "10.244.0.4/24",
    "10.244.0.5/24",
    "10.244.0.6/24",
    "10.244.0.7/24",
    "10.244.0.3/24",
  ]);
});

test("a full subnet refuses one pod and goes on when another is released", async () => {
  const api = new Api();
  api.put(aNode("n1"), ...["a", "b", "c", "d", "e"].map((name) => aPod(name)));
  const deciding = await decider(api, { pods: ["10.244.0.0/16/29"] });
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  for (const name of ["a", "b", "c", "d"])
    ready(await settled(() => deciding.podLives.decide(api.pod(name))));
  const refused = deciding.podLives.decide(api.pod("e"));
  assert.match(
    "reason" in refused ? refused.reason : "",
    /^pod shop\/e: no address left in 10\.244\.0\.0\/29/,
  );
  deciding.podLives.release("shop", "b", "uid-b");
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(api.pod("e"))))), [
    "10.244.0.4/29",
  ]);
});

test("several lives of one pod name are told apart, even those known only from a restart or a failed write", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const before = await decider(api);
  await settled(() => before.nodeLives.decide(api.node("n1")));
  await settled(() => before.podLives.decide(api.pod("web-1")));
  const after = await decider(api);
  await settled(() => after.nodeLives.decide(api.node("n1")));
  assert.deepEqual(after.podLives.former("shop", "web-1", "uid-web-1"), []);
  assert.deepEqual(after.podLives.former("shop", "web-1", undefined), ["uid-web-1"]);
  await assert.rejects(
    settled(() => after.podLives.decide(aPod("web-1", { uid: "uid-again" }))),
    /not found/,
  );
  assert.deepEqual(after.podLives.former("shop", "web-1", "uid-again"), ["uid-web-1"]);
  for (const uid of after.podLives.former("shop", "web-1", undefined))
    after.podLives.release("shop", "web-1", uid);
  assert.deepEqual(after.podLives.former("shop", "web-1", undefined), []);
});
