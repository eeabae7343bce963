// Who is nested in whose port, in a cloud of which only the rows matter.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Parents } from "../../src/decide/parents.ts";
import { parseInterfaceAddress } from "../../src/model/ip.ts";
import type { ResolvedNode } from "../../src/model/network.ts";
import type { PoolRow } from "../../src/observe/poolRows.ts";
import { TenantView } from "../../src/observe/tenant.ts";
import { givenRows } from "./givenRows.ts";

const macOf = (machine: number): string => `02:00:00:00:00:0${machine}`;
const addressOf = (machine: number): string => `172.31.0.${machine}`;

/** A cloud with the machines' ports vm-1, vm-2 … on a network of the tenant's router. */
function tenantWith(...machines: readonly number[]): TenantView {
  const ports = Object.fromEntries(
    machines.map((one) => [`vm-${one}`, { addresses: [`${macOf(one)} ${addressOf(one)}`] }]),
  );
  const rows = givenRows({
    Logical_Router: { shop: { ports: ["shop-vms"] } },
    Logical_Router_Port: { "shop-vms": {} },
    Logical_Switch: { vms: { ports: [...Object.keys(ports), "vms-shop"] } },
    Logical_Switch_Port: {
      ...ports,
      "vms-shop": { type: "router", options: new Map([["router-port", "shop-vms"]]) },
    },
  });
  return new TenantView(rows, "demo", "shop");
}

/** The node as its agent reports it, with the card of `machine`. */
function reporting(name: string, machine: number): ResolvedNode {
  const address = parseInterfaceAddress(`${addressOf(machine)}/24`) ?? assert.fail();
  const gateway = { mac: macOf(machine), addresses: [address], nextHops: [], mtuBytes: 1500 };
  return { name, id: 2, subnets: [], chassisId: undefined, gateway, hostAddresses: [] };
}

const rowOf = (node: string, parent: string): PoolRow => ({
  node,
  parent,
  offset: 3,
  tag: 1,
  isHeldBack: false,
});

const notNow = (answer: ReturnType<Parents["of"]>): string =>
  typeof answer === "string" ? assert.fail(`it has ${answer}`) : answer.notNow;

test("after a restart a node keeps the parent of its ports, whatever card its agent reports", () => {
  const parents = new Parents(tenantWith(1, 2, 9));
  parents.adopt("n1", [rowOf("n1", "vm-1")]);
  parents.adopt("n2", [rowOf("n2", "vm-2")]);
  assert.match(
    notNow(parents.of(reporting("n1", 2))),
    /its pods' ports are nested in vm-1, which is still there/,
  );
  assert.match(
    notNow(parents.of(reporting("n1", 9))),
    /reports the card of port vm-9, but .* delete that port/,
  );
  assert.deepEqual([parents.known("n1"), parents.known("n2")], ["vm-1", "vm-2"]);
  assert.equal(parents.of(reporting("n2", 2)), "vm-2");
});

test("a new node cannot have another node's card, and one that has lost its card gets the one it reports", () => {
  const parents = new Parents(tenantWith(1, 3));
  parents.adopt("n1", [rowOf("n1", "vm-1")]);
  parents.adopt("n2", [rowOf("n2", "vm-2")]);
  assert.equal(notNow(parents.of(reporting("n0", 1))), "node n0: the port vm-1 is node n1's already");
  assert.equal(notNow(parents.of(reporting("n2", 1))), "node n2: the port vm-1 is node n1's already");
  assert.equal(parents.of(reporting("n2", 3)), "vm-3");
});
