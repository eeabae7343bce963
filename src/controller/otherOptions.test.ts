import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../config/error.ts";
import { clusterNetwork, type RangeOptions } from "../config/ranges.ts";
import { type Cidr, parseCidr } from "../model/ip.ts";
import { northboundScope } from "../model/scope.ts";
import type { Built } from "../observe/builtRows.ts";
import { requireSameOptions } from "./otherOptions.ts";

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  assert.ok(parsed, text);
  return parsed;
};
const ranges: RangeOptions = { pods: ["10.244.0.0/16"], services: ["10.96.0.0/16"], join: ["100.64.0.0/16"] };
const built: Built = {
  routers: ["demo_router"],
  pooled: false,
  nodeSubnets: [cidr("10.244.0.0/24"), cidr("10.244.1.0/24")],
  joins: [cidr("100.64.0.0/16")],
  services: [cidr("10.96.0.0/16")],
};
const nothing: Built = { routers: [], pooled: false, nodeSubnets: [], joins: [], services: [] };

interface Case {
  readonly rows?: Partial<Built>;
  readonly ranges?: Partial<RangeOptions>;
  readonly router?: string;
  readonly pooled?: boolean;
}

const leads = ({ rows, ranges: others, router, pooled }: Case): void =>
  requireSameOptions({
    scope: northboundScope("demo", "global"),
    network: clusterNetwork({ ...ranges, ...others }),
    pools: pooled ? {} : undefined,
    observed: {
      built: () => ({ ...built, ...rows }),
      tenant: router === undefined ? undefined : { router },
    },
  });

const same: readonly (readonly [string, Case])[] = [
  ["there are no rows yet", { rows: nothing, router: "shop", pooled: true }],
  ["the options are the same", {}],
  ["pools exist and are wanted", { rows: { pooled: true }, pooled: true }],
  ["pools come to pods with ports of their own", { pooled: true }],
  ["the nodes are on the tenant's router", { rows: { ...nothing, routers: ["shop"] }, router: "shop" }],
  ["one node of several is outside the ranges", { ranges: { pods: ["10.244.1.0/24", "10.245.0.0/16"] } }],
  ["a range is added", { ranges: { services: ["10.96.0.0/15", "10.200.0.0/16"] } }],
  [
    "a family is added",
    { ranges: { pods: ["10.244.0.0/16", "fd00::/48"], join: ["100.64.0.0/16", "fd98::/64"] } },
  ],
];
for (const [sentence, options] of same)
  test(`a controller may lead when ${sentence}`, () => assert.doesNotThrow(() => leads(options)));

const other: readonly (readonly [string, Case, RegExp])[] = [
  ["pools", { rows: { pooled: true } }, /made with --addresses pooled: start/],
  ["the other mode", { router: "shop", pooled: true }, /made with --mode overlay/],
  [
    "the other mode, by a tenant's router",
    { rows: { ...nothing, routers: ["shop"], pooled: true } },
    /made with --mode underlay --cloud-router shop/,
  ],
  [
    "another router",
    { rows: { ...nothing, routers: ["shop"] }, router: "bank", pooled: true },
    /made with --cloud-router shop/,
  ],
  [
    "other ranges of pods",
    { ranges: { pods: ["10.245.0.0/16"] } },
    /--cluster-cidr with the node subnet 10\.244\.0\.0\/24/,
  ],
  ["larger nodes", { ranges: { pods: ["10.244.0.0/16/23"] } }, /--cluster-cidr with the node subnet/],
  ["another range between routers", { ranges: { join: ["100.65.0.0/16"] } }, /--join-cidr 100\.64\.0\.0\/16/],
  [
    "another range of Services",
    { ranges: { services: ["10.97.0.0/16"] } },
    /--service-cidr 10\.96\.0\.0\/16/,
  ],
  [
    "a family more",
    { rows: { nodeSubnets: [...built.nodeSubnets, cidr("fd00::/64")] } },
    /node subnet fd00::\/64/,
  ],
];
for (const [what, options, message] of other)
  test(`a controller that finds rows made with ${what} does not lead, and says what to do`, () => {
    assert.throws(
      () => leads(options),
      (error) =>
        error instanceof ConfigError &&
        message.test(error.message) &&
        /weft teardown --cluster demo/.test(error.message),
    );
  });
