// A cluster's ranges, for tests of decisions about addresses from outside.

import assert from "node:assert/strict";
import { type Cidr, parseCidr } from "../model/ip.ts";
import type { ClusterNetwork } from "../model/network.ts";

export const cidr = (text: string): Cidr => parseCidr(text) ?? assert.fail(text);

/** Of both families. */
export const network: ClusterNetwork = {
  families: [4, 6],
  pods: [{ cidr: cidr("10.244.0.0/16"), nodeBits: 24 }],
  services: [cidr("10.96.0.0/16")],
  join: [cidr("100.64.0.0/16")],
  direct: [],
};
