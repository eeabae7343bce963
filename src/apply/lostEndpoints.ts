// The endpoints that UDP balancers are about to lose. Whoever is told can see to it that nobody keeps talking to them
// (controller/lateFlush.ts).

import type { Atom } from "../model/fact.ts";
import type { AtomicGroup } from "./atomicGroup.ts";
import type { Change } from "./change.ts";
import { endpoints } from "./gathered.ts";
import type { World } from "./world.ts";

export interface LostEndpoints {
  /** The balancer's row. */
  readonly uuid: string;
  /** Virtual address -> the endpoints, as OVN writes both. Never empty. */
  readonly vips: ReadonlyMap<string, readonly string[]>;
}

/** What the balancers whose connections ovn-controller flushes lose by these changes. */
export const lostEndpoints = (groups: readonly AtomicGroup[], world: World): readonly LostEndpoints[] =>
  groups.flatMap(({ changes }) => changes.flatMap((change) => lostBy(change, world)));

function lostBy(change: Change, world: World): readonly LostEndpoints[] {
  if (change.table !== "Load_Balancer") return [];
  const found = world.actual(change.table, change.uuid);
  const before = found?.["vips"];
  const options = found?.["options"];
  if (!(before instanceof Map) || !(options instanceof Map) || options.get("ct_flush") !== "true") return [];
  const after = vipsAfter(change);
  if (!after) return [];
  const vips = new Map<string, readonly string[]>();
  for (const [vip, had] of before) {
    const kept = new Set(endpoints(after.get(vip) ?? ""));
    const lost = endpoints(had).filter((endpoint) => !kept.has(endpoint));
    if (lost.length > 0) vips.set(String(vip), lost);
  }
  return vips.size === 0 ? [] : [{ uuid: change.uuid, vips }];
}

/** Undefined when the change leaves them as they are. */
function vipsAfter(change: Change): ReadonlyMap<Atom, Atom> | undefined {
  if (change.kind === "delete") return new Map();
  const vips = change.kind === "update" ? change.columns.get("vips") : undefined;
  return vips instanceof Map ? vips : undefined;
}
