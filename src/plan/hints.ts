// Clients that have endpoints of their own because of where they are: `trafficDistribution` and topology-aware routing. Whoever
// writes a Service's EndpointSlices hints for each endpoint at the zones and nodes it is meant for. The rules are kube-proxy's
// (KEP-2433, KEP-3015, KEP-4444): hints at nodes count if every ready endpoint has one, and for the clients of a node that one
// of them names; otherwise hints at zones count in the same way; otherwise all endpoints do.

import type { Endpoint, EndpointHints } from "../kube/objects.ts";
import type { Near } from "../model/near.ts";

type Hinted = Pick<Endpoint, "hints">;

/** The places whose clients have endpoints of their own, and which. `targets` are all ready. */
export function nearOnes<T extends Hinted>(
  targets: readonly T[],
): readonly { readonly near: Near; readonly targets: readonly T[] }[] {
  return (["node", "zone"] as const).flatMap((kind) => {
    const hinted = targets.map((target) => [target, hintsAt(kind, target.hints)] as const);
    if (hinted.some(([, names]) => names.length === 0)) return [];
    const byName = new Map<string, T[]>();
    for (const [target, names] of hinted)
      for (const name of new Set(names)) {
        const known = byName.get(name);
        if (known) known.push(target);
        else byName.set(name, [target]);
      }
    const sorted = [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([name, of]) => ({ near: { kind, name }, targets: of }));
  });
}

const hintsAt = (kind: Near["kind"], hints: EndpointHints | undefined): readonly string[] =>
  (kind === "node" ? hints?.nodes : hints?.zones) ?? [];
