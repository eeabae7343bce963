// What `ip -json` says about the node's network: addresses of all interfaces that are up, default routes, policy rules.
// Only the fields that Weft reads; everything else about them is in identity.ts and wayOut.ts, which are pure.

import * as v from "valibot";
import type { Family } from "../../model/ip.ts";
import type { Run } from "./run.ts";

const flag = v.optional(v.boolean(), false);

/** Where a filter leaves nothing to show, `ip` prints an empty object. */
const shown = <T>(item: v.GenericSchema<unknown, T>) =>
  v.pipe(
    v.array(
      v.union([
        v.pipe(
          v.strictObject({}),
          v.transform((): T[] => []),
        ),
        v.pipe(
          item,
          v.transform((one) => [one]),
        ),
      ]),
    ),
    v.transform((list) => list.flat()),
  );

const address = v.object({
  local: v.string(),
  /** The other end of a point-to-point link; `prefixlen` is then about that one. */
  address: v.optional(v.string()),
  prefixlen: v.number(),
  scope: v.string(),
  label: v.optional(v.string()),
  dynamic: flag,
  temporary: flag,
  deprecated: flag,
  tentative: flag,
  dadfailed: flag,
});
const link = v.object({
  ifname: v.string(),
  address: v.optional(v.string(), ""),
  mtu: v.optional(v.number()),
  addr_info: v.optional(shown(address), []),
});

const hop = v.object({
  gateway: v.optional(v.string()),
  /** A next hop of the other family (RFC 5549). */
  via: v.optional(v.object({ host: v.string() })),
  dev: v.optional(v.string()),
  flags: v.optional(v.array(v.string()), []),
});
const route = v.object({
  ...hop.entries,
  /** `unreachable`, `blackhole`, `prohibit`; absent for an ordinary route. */
  type: v.optional(v.string(), "unicast"),
  metric: v.optional(v.number(), 0),
  pref: v.optional(v.string(), "medium"),
  nexthops: v.optional(v.array(hop), []),
});
const rule = v.object({ priority: v.number(), table: v.optional(v.string()) });

export const hostStateSchema = v.object({
  links: shown(link),
  routes4: v.array(route),
  routes6: v.array(route),
  rules: v.array(rule),
});
export type HostState = v.InferOutput<typeof hostStateSchema>;
export type HostLink = HostState["links"][number];
export type HostAddress = v.InferOutput<typeof address>;
export type DefaultRoute = v.InferOutput<typeof route>;

export async function readHostState(run: Run): Promise<HostState> {
  const ip = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await run(["ip", "-json", ...args])) || "[]");
  // A kernel without IPv6 refuses to list anything of it.
  const ofFamily = (family: Family, ...args: readonly string[]): Promise<unknown> =>
    family === 4 ? ip("-4", ...args) : ip("-6", ...args).catch(() => []);
  const [found, routes4, routes6, rules4, rules6] = await Promise.all([
    ip("address", "show", "up", "scope", "global"),
    ofFamily(4, "route", "show", "default"),
    ofFamily(6, "route", "show", "default"),
    ofFamily(4, "rule", "show"),
    ofFamily(6, "rule", "show"),
  ]);
  const rules = [rules4, rules6].flat();
  return v.parse(hostStateSchema, { links: found, routes4, routes6, rules });
}
