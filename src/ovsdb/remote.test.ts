import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRemote } from "./remote.ts";

test("remotes are written as Open vSwitch writes them", () => {
  assert.deepEqual(parseRemote("unix:/run/ovn/ovnnb_db.sock"), {
    kind: "unix",
    path: "/run/ovn/ovnnb_db.sock",
  });
  assert.deepEqual(parseRemote("tcp:10.0.0.1:6641"), { kind: "tcp", host: "10.0.0.1", port: 6641 });
  assert.deepEqual(parseRemote("tcp:ovn-central:6641"), { kind: "tcp", host: "ovn-central", port: 6641 });
  assert.deepEqual(parseRemote("tcp:[fd00::1]:6641"), { kind: "tcp", host: "fd00::1", port: 6641 });
  assert.deepEqual(parseRemote("ssl:[fd00::1]:6641"), { kind: "tls", host: "fd00::1", port: 6641 });
  assert.deepEqual(parseRemote("tls:central:6641"), { kind: "tls", host: "central", port: 6641 });
});

test("a remote that is none is refused with what was expected", () => {
  const wrong = [
    "",
    "unix:",
    "tcp:",
    "tcp:host",
    "tcp:host:",
    "tcp:host:0",
    "tcp:host:65536",
    "tcp:fd00::1:6641",
    "ssl:h",
    "http:h:1",
    "/run/db.sock",
  ];
  for (const text of wrong)
    assert.throws(() => parseRemote(text), { code: "invalid remote", message: /expected unix:PATH/ });
});
