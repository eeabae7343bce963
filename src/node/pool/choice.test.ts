import assert from "node:assert/strict";
import { test } from "node:test";
import { portFor, type Shortage, shortageText } from "./choice.ts";
import type { CachedPort, Use } from "./queueRow.ts";

const port = (offset: number, open: boolean, state: Use["state"] = "ready"): CachedPort => ({
  offset,
  name: `p${offset}`,
  tag: undefined,
  open,
  network: { addresses: [], mac: "", gateways: [] },
  use: state === "ready" ? { state } : { state, holder: { container: "", ifname: "", pod: "", podUid: "" } },
});
const rows = (...ports: readonly CachedPort[]) => ports.map((each) => ({ port: each }));

test("an open port is for the proven alone, and they take a closed one only when there is no open one", () => {
  const both = rows(port(9, false), port(7, false), port(8, true), port(5, true));
  assert.equal(portFor(both, true)?.port.offset, 5);
  assert.equal(portFor(both, false)?.port.offset, 7);
  assert.equal(portFor(rows(port(7, false)), true)?.port.offset, 7);
  assert.equal(portFor(rows(port(5, true)), false), undefined);
  assert.equal(portFor([], true), undefined);
});

test("who gets no port is told why, and what to do", () => {
  const shortage: Shortage = {
    nodeName: "n1",
    nested: false,
    ports: [],
    doubt: undefined,
    offered: "no",
    lagging: false,
  };
  const used = [port(3, false, "claimed"), port(4, false, "resting"), port(5, false, "spent")];
  const cases: readonly (readonly [Partial<Shortage>, RegExp])[] = [
    [{}, /has not offered node n1 a ready port yet: is it running/],
    [{ lagging: true }, /the API server does not answer/],
    [{ ports: [port(3, true)] }, /has not offered node n1 a ready port yet/],
    [{ offered: "outdated" }, /older than one already taken in, as after a restore/],
    [{ offered: "yes" }, /offers node n1 no ready port: see its log/],
    [
      { ports: used, offered: "yes" },
      /no ready port is left on node n1 \(3 ports: 1 used, 1 resting after their pods, 1 until the controller offers them anew, 0 ready\)/,
    ],
    [{ ports: [port(3, true)], offered: "yes", doubt: "why" }, /must wait for its policies \(why\)/],
    [
      {
        nested: true,
        offered: "yes",
        ports: Array.from({ length: 4094 }, (_, index) => port(index + 3, false, "claimed")),
      },
      /all 4094 VLAN tags of node n1 are in use/,
    ],
  ];
  for (const [given, expected] of cases) assert.match(shortageText({ ...shortage, ...given }), expected);
});
