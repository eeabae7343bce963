import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInterfaceAddress, parseIp } from "../../model/ip.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";
import type { PodLink } from "../nouns/link.ts";
import { addResult, errorResult } from "./result.ts";

const address = (text: string) => parseInterfaceAddress(text) ?? assert.fail(text);
const ip = (text: string) => parseIp(text) ?? assert.fail(text);

const link: PodLink = {
  hostInterface: "w0123456789abcd",
  ifname: "eth0",
  netns: "/run/netns/x",
  mtu: { linkBytes: 1500, routeBytes: 1442 },
  network: {
    mac: "0a:58:0a:f4:00:05",
    addresses: [address("10.244.0.5/24"), address("fd00:10:244::5/64")],
    gateways: [ip("10.244.0.1"), ip("fd00:10:244::1")],
  },
};

test("1.1.0 has the MTU of the interfaces and the routes", () => {
  assert.deepEqual(JSON.parse(addResult("1.1.0", link)), {
    cniVersion: "1.1.0",
    interfaces: [
      { name: "w0123456789abcd", mtu: 1500 },
      { name: "eth0", mac: "0a:58:0a:f4:00:05", mtu: 1500, sandbox: "/run/netns/x" },
    ],
    ips: [
      { interface: 1, address: "10.244.0.5/24", gateway: "10.244.0.1" },
      { interface: 1, address: "fd00:10:244::5/64", gateway: "fd00:10:244::1" },
    ],
    routes: [
      { dst: "0.0.0.0/0", gw: "10.244.0.1", mtu: 1442 },
      { dst: "::/0", gw: "fd00:10:244::1", mtu: 1442 },
    ],
    dns: {},
  });
});

test("1.0.0 has no MTU, and 0.4.0 names the family of each address", () => {
  const interfaces = [
    { name: "w0123456789abcd" },
    { name: "eth0", mac: "0a:58:0a:f4:00:05", sandbox: "/run/netns/x" },
  ];
  assert.deepEqual(JSON.parse(addResult("1.0.0", link)).interfaces, interfaces);
  const old = JSON.parse(addResult("0.4.0", link));
  assert.deepEqual(old.interfaces, interfaces);
  assert.deepEqual(old.ips, [
    { version: "4", interface: 1, address: "10.244.0.5/24", gateway: "10.244.0.1" },
    { version: "6", interface: 1, address: "fd00:10:244::5/64", gateway: "fd00:10:244::1" },
  ]);
});

test("an error carries code, message and, if there are any, details", () => {
  const error = new CniError(cniCode.tryAgainLater, "no address yet", { details: "ofport none" });
  assert.deepEqual(JSON.parse(errorResult("0.4.0", error)), {
    cniVersion: "0.4.0",
    code: 11,
    msg: "no address yet",
    details: "ofport none",
  });
  const bare = JSON.parse(errorResult("1.1.0", new CniError(cniCode.failed, "broken")));
  assert.deepEqual(bare, { cniVersion: "1.1.0", code: 101, msg: "broken" });
});
