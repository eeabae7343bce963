import assert from "node:assert/strict";
import { test } from "node:test";
import { gatewayConfigAnnotation } from "../../kube/annotations.ts";
import { silent } from "../../kube/clock.ts";
import { Interner } from "../../kube/intern.ts";
import type { Node } from "../../kube/objects.ts";
import { nodeOf } from "../../kube/project.ts";
import { parseInterfaceAddress, parseIp } from "../../model/ip.ts";
import type { GatewayConfig } from "../../model/network.ts";
import { Losses } from "./losses.ts";

const gatewayWith = (addresses: readonly string[], nextHops: readonly string[]): GatewayConfig => ({
  mac: "02:00:00:00:00:01",
  addresses: addresses.flatMap((text) => parseInterfaceAddress(text) ?? []),
  nextHops: nextHops.flatMap((text) => parseIp(text) ?? []),
  mtuBytes: 1500,
});
const whole = gatewayWith(["172.30.0.11/24", "fd00::11/64"], ["172.30.0.1", "fd00::1"]);
const only4 = gatewayWith(["172.30.0.11/24"], ["172.30.0.1"]);
const families = [4, 6] as const;

function nodeWith(annotations: object, conditions: readonly object[] = []): Node {
  const object = {
    metadata: { name: "n1", uid: "u", resourceVersion: "1", annotations },
    status: { conditions },
  };
  return nodeOf(object, new Interner()) ?? assert.fail();
}

/** The reason after each of these in turn. */
function reasons(...seen: readonly GatewayConfig[]): readonly string[] {
  const losses = new Losses(silent, () => undefined);
  return seen.map((gateway) => {
    losses.look({ node: undefined, gateway, families });
    return losses.problem()?.reason ?? "";
  });
}

test("what the node had and has no more is lost until it is back", () => {
  assert.deepEqual(reasons(whole, only4, whole), ["", "AddressLost", ""]);
  const noRoute = gatewayWith(["172.30.0.11/24", "fd00::11/64"], ["fd00::1"]);
  assert.deepEqual(reasons(whole, noRoute, whole), ["", "DefaultRouteLost", ""]);
});

test("where pods leave by the host's own routing, a default route elsewhere is no loss", () => {
  const noRoute = { ...gatewayWith(["172.30.0.11/24", "fd00::11/64"], []), throughHost: true as const };
  assert.deepEqual(reasons(whole, noRoute), ["", ""]);
  assert.deepEqual(reasons(whole, { ...only4, throughHost: true }), ["", "AddressLost"]);
});

test("what the node never had is not lost", () => {
  assert.deepEqual(reasons(only4, gatewayWith(["172.30.0.11/24"], ["172.30.0.1"])), ["", ""]);
  assert.deepEqual(reasons(gatewayWith(["172.30.0.11/24"], [])), [""]);
});

test("an agent that has just started knows what was lost before from the Node", () => {
  const announced = gatewayConfigAnnotation(whole, { bridge: "br-ex", uplink: "eth0" });
  const condition = { type: "NetworkDegraded", status: "True", reason: "AddressLost", message: "lost" };
  for (const node of [nodeWith(announced), nodeWith({}, [condition])]) {
    const losses = new Losses(silent, () => undefined);
    losses.look({ node, gateway: only4, families });
    assert.equal(losses.problem()?.reason, "AddressLost");
  }
});

test("what the Node's condition says of something else is no loss", () => {
  const condition = { type: "NetworkDegraded", status: "True", reason: "PortsNotWritten", message: "full" };
  const losses = new Losses(silent, () => undefined);
  losses.look({ node: nodeWith({}, [condition]), gateway: only4, families });
  assert.equal(losses.problem(), undefined);
});

test("two losses are one problem with both sentences, and told once", () => {
  let changes = 0;
  const lines: string[] = [];
  const losses = new Losses(
    (_, line) => void lines.push(line),
    () => changes++,
  );
  losses.look({ node: undefined, gateway: whole, families });
  const bare = gatewayWith(["172.30.0.11/24"], []);
  for (let round = 0; round < 3; round++) losses.look({ node: undefined, gateway: bare, families });
  assert.deepEqual(lines, [
    "there is no IPv4 default route through br-ex any more (it was 172.30.0.1): pods reach only the network of br-ex over IPv4; br-ex has no IPv6 address any more (it was fd00::11/64): pods do not reach the outside over IPv6",
  ]);
  assert.equal(changes, 1);
});
