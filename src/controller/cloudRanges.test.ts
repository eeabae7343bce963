import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterNetwork, defaultJoin } from "../config/ranges.ts";
import { parseCidr } from "../model/ip.ts";
import { type CloudRanges, requireFreeRanges, takenRange } from "./cloudRanges.ts";

const network = clusterNetwork({
  pods: ["10.244.0.0/16", "fd00:10:244::/48"],
  services: ["10.96.0.0/16", "fd00:10:96::/112"],
  join: defaultJoin,
});

const beside = (networks: readonly string[] | undefined, owners: readonly string[] = []): CloudRanges => ({
  network,
  observed: {
    *owners() {
      yield* owners;
    },
    tenant: networks && {
      router: "shop",
      tenant: () => ({ networks: networks.flatMap((text) => parseCidr(text) ?? assert.fail(text)) }),
    },
  },
});

const cases: readonly (readonly [readonly string[] | undefined, string | undefined])[] = [
  [undefined, undefined],
  [[], undefined],
  [["172.30.0.1/24", "fd00:172:30::1/64"], undefined],
  [
    ["172.30.0.1/24", "10.96.7.1/24"],
    "--service-cidr 10.96.0.0/16 overlaps 10.96.7.0/24, a network of the cloud's router shop",
  ],
  [
    ["fd00:10:96::1/120"],
    "--service-cidr fd00:10:96::/112 overlaps fd00:10:96::/120, a network of the cloud's router shop",
  ],
  [["10.0.0.1/8"], "--cluster-cidr 10.244.0.0/16 overlaps 10.0.0.0/8, a network of the cloud's router shop"],
];

test("a range that is a network of the cloud's router too is named, and a cluster does not begin with it", () => {
  for (const [networks, problem] of cases) {
    assert.equal(takenRange(beside(networks)), problem);
    if (problem === undefined) requireFreeRanges(beside(networks));
    else
      assert.throws(() => requireFreeRanges(beside(networks)), {
        name: "ConfigError",
        message: /choose another range/,
      });
  }
});

test("a cluster that runs goes on when the cloud gets such a network", () => {
  assert.doesNotThrow(() => requireFreeRanges(beside(["10.96.7.1/24"], ["cluster"])));
});
