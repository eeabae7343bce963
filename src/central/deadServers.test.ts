import assert from "node:assert/strict";
import { test } from "node:test";
import { deadServers } from "./deadServers.ts";
import { parseRaftStatus } from "./raftStatus.ts";

const addresses = [1, 2, 3].map((last) => `ssl:192.0.2.${last}:6643`);

/** As ovsdb-server 3.5 says it. */
const statusText = (role: string, ...servers: readonly string[]): string =>
  [
    "fe9d",
    "Name: OVN_Northbound",
    "Cluster ID: 7277 (727788d5-e725-4cd9-a41f-74dcf67d3a2b)",
    "Server ID: fe9d (fe9d4620-ca76-40ca-af29-9d40dfc685fb)",
    "Address: ssl:192.0.2.1:6643",
    "Status: cluster member",
    `Role: ${role}`,
    "Term: 2",
    "Leader: self",
    "Servers:",
    "    fe9d (fe9d at ssl:192.0.2.1:6643) (self) next_index=3 match_index=6",
    ...servers.map((server) => `    ${server}`),
    "",
  ].join("\n");

const second = "9c29 (9c29 at ssl:192.0.2.2:6643) next_index=7 match_index=6 last msg 308 ms ago";
const third = "a557 (a557 at ssl:192.0.2.3:6643) next_index=7 match_index=6 last msg 308 ms ago";
const thirdBefore = "d27a (d27a at ssl:192.0.2.3:6643) next_index=7 match_index=5 last msg 18589 ms ago";
const elsewhere = "b0b0 (b0b0 at ssl:192.0.2.9:6643) next_index=7 match_index=5 last msg 700000 ms ago";

const kicked = (text: string, knownMs = 0): readonly string[] =>
  deadServers(parseRaftStatus(text), addresses, () => knownMs).map(({ id }) => id);

test("a status says who leads, who belongs to the cluster and when each was heard", () => {
  const { state, leads, leader, servers } = parseRaftStatus(statusText("leader", second, thirdBefore));
  assert.deepEqual({ state, leads, leader }, { state: "cluster member", leads: true, leader: "self" });
  assert.deepEqual(
    servers.map(({ id, silentMs }) => [id, silentMs]),
    [
      ["fe9d", 0],
      ["9c29", 308],
      ["d27a", 18_589],
    ],
  );
  assert.deepEqual(parseRaftStatus("").servers, []);
});

test("the server that a member with a new disk was before is kicked once the new one is heard", () => {
  assert.deepEqual(kicked(statusText("leader", second, third, thirdBefore)), ["d27a"]);
  assert.deepEqual(kicked(statusText("leader", second, third, elsewhere)), ["b0b0"]);
});

test("a server elsewhere has ten minutes, because it may be the member of a newer configuration", () => {
  assert.deepEqual(kicked(statusText("leader", second, third, elsewhere.replace("700000", "60000"))), []);
});

test("one that this leader has never heard is silent for as long as it is known", () => {
  const never = thirdBefore.replace(/ last msg.*/, "");
  assert.deepEqual(kicked(statusText("leader", second, third, never), 9000), []);
  assert.deepEqual(kicked(statusText("leader", second, third, never), 11_000), ["d27a"]);
});

test("nobody is kicked while a member is missing, by who does not lead, or who was just heard", () => {
  assert.deepEqual(kicked(statusText("leader", second, thirdBefore)), []);
  assert.deepEqual(kicked(statusText("leader", second, thirdBefore, elsewhere)), []);
  assert.deepEqual(kicked(statusText("follower", second, third, thirdBefore)), []);
  const justHeard = thirdBefore.replace("18589", "900");
  assert.deepEqual(kicked(statusText("leader", second, third, justHeard)), []);
});
