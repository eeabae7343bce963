// A transaction's changes come in any order: what replaces something may be seen before the thing itself goes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ownership } from "../model/names.ts";
import type { LogicalSwitchRow } from "../ovn/northbound.gen.ts";
import { Machines } from "./machines.ts";
import { followPorts } from "./portStates.ts";

const orders = [
  ["what goes first", <T>(changes: readonly T[]) => changes],
  ["what comes first", <T>(changes: readonly T[]) => changes.toReversed()],
] as const;

const aSwitch = (uuid: string, ports: readonly string[]) =>
  ({ _uuid: uuid, ports, external_ids: new Map() }) as unknown as LogicalSwitchRow;

for (const [order, arranged] of orders) {
  test(`a machine's port that moves is found on its new switch (${order})`, () => {
    const mac = "02:00:00:00:00:01";
    const port = { _uuid: "p", type: "", addresses: [mac], options: new Map(), external_ids: new Map() };
    const tables: Record<string, ReadonlyMap<string, object>> = {
      Logical_Switch_Port: new Map([["p", port]]),
      Logical_Switch: new Map([["a", aSwitch("a", ["p"])]]),
    };
    const machines = new Machines({ table: (name: string) => tables[name] } as never, "demo");
    const changes = [
      { table: "Logical_Switch", old: aSwitch("a", ["p"]), new: aSwitch("a", []) },
      { table: "Logical_Switch", old: aSwitch("b", []), new: aSwitch("b", ["p"]) },
    ];
    for (const change of arranged(changes)) machines.take(change as never);
    assert.deepEqual(
      machines.withMac(mac).map(({ on }) => on),
      ["b"],
    );
    machines.take({ table: "Logical_Switch", old: aSwitch("b", ["p"]), new: undefined } as never);
    assert.deepEqual(machines.withMac(mac), []);
  });

  test(`a port whose binding is replaced keeps the state of the new one (${order})`, () => {
    let tell: (changes: readonly object[]) => void = () => undefined;
    const replica = { synced: true, subscribe: (listener: typeof tell) => (tell = listener) };
    const states = followPorts({ replica: () => replica } as never, "demo");
    const binding = (chassis: string | undefined) => ({
      logical_port: "demo_pod_shop_web",
      up: true,
      chassis,
      external_ids: new Map([[ownership.cluster, "demo"]]),
    });
    const table = "Port_Binding";
    tell([{ table, uuid: "a", new: binding("n1") }]);
    tell(
      arranged([
        { table, uuid: "a", old: binding("n1") },
        { table, uuid: "b", new: binding(undefined) },
      ]),
    );
    assert.equal(states.stateOf("demo_pod_shop_web"), "unbound");
    tell([{ table, uuid: "b", old: binding(undefined) }]);
    assert.equal(states.stateOf("demo_pod_shop_web"), "absent");
  });
}
