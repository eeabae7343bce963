import assert from "node:assert/strict";
import { test } from "node:test";
import { floatingAddressOf } from "../../kube/floatingAddress.ts";
import { Interner } from "../../kube/intern.ts";
import { serviceOf } from "../../kube/project.ts";
import { unreached } from "./unreached.ts";

const metadata = { namespace: "shop", name: "web", uid: "u1", resourceVersion: "1" };

const service = (spec: object, ...ingress: readonly object[]) => {
  const status = { loadBalancer: { ingress } };
  const object = { metadata, spec: { clusterIP: "10.96.0.7", ports: [{ port: 80 }], ...spec }, status };
  return serviceOf(object, new Interner()) ?? assert.fail();
};

const floating = (...conditions: readonly object[]) =>
  floatingAddressOf({ metadata, spec: { podName: "web" }, status: { conditions } }, new Interner()) ??
  assert.fail();

const balancer = { type: "LoadBalancer" };

test("a Service of type LoadBalancer without an address is not reached, for the reason that the controller tells", () => {
  const told = new Map([["u1", "all addresses of the pools are in use"]]);
  const why = (...services: readonly ReturnType<typeof service>[]) =>
    unreached(services, [], told).map(({ kind, object, why }) => `${kind} ${object}: ${why}`);
  assert.deepEqual(why(service(balancer)), ["Service shop/web: all addresses of the pools are in use"]);
  assert.equal(why(service({ ...balancer, loadBalancerClass: "weft.io/pool" })).length, 1);
  assert.deepEqual(why(service(balancer, { ip: "203.0.113.7" })), [], "it has one");
  assert.deepEqual(why(service({})), [], "it asks for none");
  const others = { ...balancer, loadBalancerClass: "example.com/cloud" };
  assert.deepEqual(why(service(others)), [], "somebody else serves it");
  for (const given of [{ hostname: "lb.example.com" }, { ip: "203.0.113.7", ipMode: "Proxy" }])
    assert.deepEqual(why(service(balancer, given)), [], "somebody else has served it");
  assert.match(unreached([service(balancer)], [], undefined)[0]?.why ?? "", /does not say why/);
});

test("a FloatingAddress is not reached until it is ready", () => {
  const why = (...conditions: readonly object[]) =>
    unreached([], [floating(...conditions)], undefined).map((one) => one.why);
  assert.deepEqual(why({ type: "Ready", status: "False", reason: "NoPod", message: "no pod web" }), [
    "no pod web",
  ]);
  assert.deepEqual(why({ type: "Ready", status: "True", reason: "Serving", message: "" }), []);
  assert.match(why()[0] ?? "", /has not seen it/);
});
