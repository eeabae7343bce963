import assert from "node:assert/strict";
import { test } from "node:test";
import type { DaemonState } from "../ovs/daemonWatch.ts";
import { type DataPlaneState, faultsOf } from "./dataPlane.ts";

const version: DaemonState = { is: "answering", said: "ovs-vswitchd 3.5", since: 0 };
const connected: DaemonState = { is: "answering", said: "connected", since: 0 };
const gone: DaemonState = { is: "absent", why: "ECONNREFUSED" };

const reasons = (change: Partial<DataPlaneState>, now: number): readonly string[] => {
  const state = {
    hasDatabase: true,
    vswitchd: version,
    controller: connected,
    flowsMissingSince: undefined,
    ...change,
  };
  return [...faultsOf(state, now).values()].flatMap((fault) => fault?.reason ?? []);
};

const cases: readonly [string, Partial<DataPlaneState>, number, readonly string[]][] = [
  ["everything answers", {}, 0, []],
  ["vswitchd is gone", { vswitchd: gone }, 0, ["VswitchdDown"]],
  ["vswitchd has hung for a moment", { vswitchd: { is: "silent", since: 0 } }, 5_000, []],
  ["vswitchd hangs", { vswitchd: { is: "silent", since: 0 } }, 20_000, ["VswitchdDown"]],
  ["the database is away", { hasDatabase: false }, 0, ["OvsdbDown"]],
  ["ovn-controller is gone", { controller: gone }, 0, ["OvnControllerDown"]],
  ["ovn-controller computes for long", { controller: { is: "silent", since: 0 } }, 30_000, []],
  ["ovn-controller hangs", { controller: { is: "silent", since: 0 } }, 90_000, ["OvnControllerDown"]],
  [
    "ovn-controller has just lost the southbound database",
    { controller: { is: "answering", said: "not connected", since: 0 } },
    1_000,
    [],
  ],
  [
    "ovn-controller does not reach the southbound database",
    { controller: { is: "answering", said: "not connected", since: 0 } },
    10_000,
    ["SouthboundUnreachable"],
  ],
  ["somebody has just deleted br-int's flows", { flowsMissingSince: 0 }, 1_000, []],
  ["br-int has no flows", { flowsMissingSince: 0 }, 20_000, ["FlowsMissing"]],
  [
    "br-int has no flows because vswitchd is gone",
    { flowsMissingSince: 0, vswitchd: gone },
    20_000,
    ["VswitchdDown"],
  ],
  ["nothing was asked yet", { vswitchd: { is: "unknown" }, controller: { is: "unknown" } }, 90_000, []],
  ["the node is an underlay's and has no ovn-controller", { controller: undefined }, 0, []],
];
for (const [what, change, now, expected] of cases)
  test(`when ${what}, the faults are: ${expected.join() || "none"}`, () => {
    assert.deepEqual(reasons(change, now), expected);
  });

test("the fault of a dead vswitchd comes before that of the database, which explains less", () => {
  assert.deepEqual(reasons({ vswitchd: gone, hasDatabase: false }, 0), ["VswitchdDown", "OvsdbDown"]);
});
