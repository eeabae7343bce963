// Tells the controller, in an annotation of the Node, which offer the agent has taken in and which ports are in use.
// It writes only when the controller waits for that: after an offer that takes something back, when a withdrawn port
// becomes free, and when a port is spent. Claims are not reported, because the controller sees the pods' addresses.

import { isDeepStrictEqual } from "node:util";
import { type AnnotationValues, poolSeenAnnotation, poolSeenOf } from "../../kube/annotations.ts";
import type { Log } from "../../kube/clock.ts";
import type { Node } from "../../kube/objects.ts";
import { hasAsked, type PoolSeen } from "../../model/pool.ts";
import { Bell } from "../wait/bell.ts";
import { type PoolCache, poolSeen } from "./cache.ts";
import type { Offers } from "./offer.ts";

const retryMs = { first: 200, longest: 5000 };

export interface AcknowledgeOptions {
  readonly cache: PoolCache;
  readonly offers: Offers;
  /** Whether the cache matches the offer. */
  readonly settled: () => boolean;
  readonly announce: (node: Node, values: AnnotationValues) => Promise<void>;
  readonly log: Log;
}

/** Works until `signal` is aborted. */
export async function acknowledgeOffers(options: AcknowledgeOptions, signal: AbortSignal): Promise<void> {
  const { cache, offers, announce, log } = options;
  const bell = new Bell();
  const unsubscribe = [offers.subscribe(bell.ring), cache.subscribe(bell.ring)];
  signal.addEventListener("abort", bell.ring);
  /** The Node as it was before the last write. Nothing more is written until the API server sends a newer one. */
  let written: Node | undefined;
  let delayMs: number | undefined;
  while (!signal.aborted) {
    try {
      await cache.ready(signal);
      const { node } = offers;
      const values = node && node !== written ? acknowledgement(options, node) : undefined;
      if (node && values) {
        await announce(node, values);
        written = node;
      }
      delayMs = undefined;
    } catch (error) {
      delayMs = Math.min((delayMs ?? retryMs.first / 2) * 2, retryMs.longest);
      if (!signal.aborted)
        log("warn", "the offer of ports could not be acknowledged, trying again", { error });
    }
    await bell.heard(delayMs);
  }
  for (const end of unsubscribe) end();
}

/**
 * What to write on the Node; undefined when there is nothing to say. If the Node's offer is outdated, it names the
 * later offer, and the controller starts again from there.
 */
function acknowledgement(
  { cache, offers, settled }: AcknowledgeOptions,
  node: Node,
): AnnotationValues | undefined {
  const { current, outdated } = offers;
  const taken = current ?? outdated;
  if (!taken) return undefined;
  const seen = poolSeen(
    taken,
    cache.ports().map(({ port }) => port),
  );
  const ports = [...(current?.ports.values() ?? [])];
  const withdrawn = new Set(ports.filter((port) => port.withdrawn).map(({ offset }) => offset));
  const asked = current && !hasAsked(current) ? undefined : (current?.asked ?? taken.generation);
  return answers(poolSeenOf(node), asked, withdrawn, seen) || !settled()
    ? undefined
    : poolSeenAnnotation(seen);
}

/**
 * Whether `told`, the last acknowledgement, covers everything in `now` that the controller waits for. `asked` is the
 * generation of this line in which the controller last took something back, if it has. Used ports that are not
 * withdrawn do not matter.
 */
export function answers(
  told: PoolSeen | undefined,
  asked: number | undefined,
  withdrawn: ReadonlySet<number>,
  now: PoolSeen,
): boolean {
  if (!told) return false;
  const isAnswered = asked === undefined || (told.line === now.line && told.generation >= asked);
  const awaited = ({ used, spent }: PoolSeen) => [used.filter((offset) => withdrawn.has(offset)), spent];
  return isAnswered && isDeepStrictEqual(awaited(told), awaited(now));
}
