import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr, parseIp } from "../../model/ip.ts";
import type { Door } from "./doors.ts";
import { wayInFlows } from "./flows.ts";

const ip = (text: string) => parseIp(text) ?? assert.fail();
const bridge = {
  ...{ socket: "/run/br-ex.mgmt", mac: "02:00:00:00:00:01", uplinks: [1], out: "output:1", patch: 2 },
  shared: [ip("172.30.0.11")],
};

test("a node port, and the same port of a balancer at the node's address that is open to all, are one flow", () => {
  const nodePort: Door = {
    ...{ protocol: "tcp", at: undefined, port: 30_080, to: ip("10.96.0.7"), toPort: 80 },
    ...{ keepsClient: true, isForOwn: false, isOuter: false },
  };
  const outer = { ...nodePort, at: ip("172.30.0.11"), isOuter: true };
  const everybody = [parseCidr("0.0.0.0/0") ?? assert.fail()];
  const guard = { at: outer.at, protocol: outer.protocol, port: outer.port, ranges: everybody };
  const bundle = wayInFlows(bridge, [nodePort, outer], { guards: [guard], addresses: [] });
  assert.equal(new Set(bundle.match(/^add .*$/gm)).size, 1);
});
