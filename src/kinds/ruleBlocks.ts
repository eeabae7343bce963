// The addresses that the ipBlocks of a NetworkPolicy's rule mean, as far as they are served.

import type { PolicyRule } from "../kube/networkPolicy.ts";
import { cover } from "../model/cover.ts";
import type { Cidr } from "../model/ip.ts";
import { networkPolicyLimits } from "../model/limits.ts";
import { remainder } from "../model/remainder.ts";

export interface RuleBlocks {
  /** The fewest that have these addresses. */
  readonly blocks: readonly Cidr[];
  /** What is beyond the limit, for people. */
  readonly leftOut: string | undefined;
}

/** `place`: where the rule is in the policy, such as `spec.ingress[0]`. Beyond the limit none of its blocks is served. */
export function ruleBlocks({ peers = [] }: Pick<PolicyRule, "peers">, place: string): RuleBlocks {
  const blocks = cover(
    peers.flatMap((peer) => (peer.kind === "block" ? remainder(peer.range, peer.except) : [])),
  );
  const { blocks: most } = networkPolicyLimits;
  if (blocks.length <= most) return { blocks, leftOut: undefined };
  const leftOut = `the ipBlocks of ${place} allow nothing: without their exceptions they are ${blocks.length} blocks, and at most ${most} are served`;
  return { blocks: [], leftOut };
}
