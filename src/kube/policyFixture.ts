// A NetworkPolicy for tests.

import type { NetworkPolicy } from "./networkPolicy.ts";

/** One in namespace `shop` that selects every pod and lets nothing in. */
export const aPolicy = (name: string, change: Partial<NetworkPolicy> = {}): NetworkPolicy => ({
  kind: "NetworkPolicy",
  namespace: "shop",
  name,
  uid: name,
  resourceVersion: "1",
  labels: {},
  annotations: {},
  deletionTimestamp: undefined,
  podSelector: [],
  ingress: [],
  egress: undefined,
  problems: [],
  ...change,
});
