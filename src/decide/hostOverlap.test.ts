import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterNetwork, defaultJoin } from "../config/ranges.ts";
import { parseInterfaceAddress, parseIp } from "../model/ip.ts";
import { hostOverlap } from "./hostOverlap.ts";

test("a node whose own network lies in the cluster's ranges is told which", () => {
  const network = clusterNetwork({ pods: ["10.244.0.0/16"], services: ["10.96.0.0/16"], join: defaultJoin });
  const address = parseInterfaceAddress("10.96.3.4/8");
  const inside = parseIp("10.244.9.9");
  assert.ok(address && inside);
  const gateway = { mac: "02:00:00:00:00:01", addresses: [address], nextHops: [], mtuBytes: 1500 };
  assert.match(
    hostOverlap(network, { gateway, hostAddresses: [] }) ?? "",
    /10\.0\.0\.0\/8 overlaps .*10\.244\.0\.0\/16/,
  );
  assert.match(
    hostOverlap(network, { gateway: undefined, hostAddresses: [inside] }) ?? "",
    /10\.244\.9\.9\/32/,
  );
  assert.equal(hostOverlap(network, { gateway: undefined, hostAddresses: [] }), undefined);
});
