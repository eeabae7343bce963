// Tells the controller, by an annotation of the Node, that its offer has been taken in, and which ports are in use. Written
// only when the controller waits for it: after an offer of a new generation, when a withdrawn port becomes free, and when a
// port is spent. Claims are not told: the controller sees the pods' own addresses.

import { isDeepStrictEqual } from "node:util";
import { type AnnotationValues, poolSeenAnnotation, poolSeenOf } from "../../kube/annotations.ts";
import type { Log } from "../../kube/clock.ts";
import type { Node } from "../../kube/objects.ts";
import type { PoolSeen } from "../../model/pool.ts";
import { Bell } from "../bell.ts";
import type { Source } from "../whenever.ts";
import { type PoolCache, poolSeen } from "./cache.ts";
import type { Offer, Offers } from "./offer.ts";

const retryMs = { first: 200, longest: 5000 };

export interface AcknowledgeOptions {
  readonly cache: PoolCache;
  readonly offers: Offers;
  /** Whether the cache is as the offer wants it. */
  readonly settled: () => boolean;
  /** Tells when the cache may have changed. */
  readonly database: Source;
  readonly announce: (node: Node, values: AnnotationValues) => Promise<void>;
  readonly log: Log;
}

/** Works until `signal` is aborted. */
export async function acknowledgeOffers(options: AcknowledgeOptions, signal: AbortSignal): Promise<void> {
  const { database, offers, announce, log } = options;
  const bell = new Bell();
  const unsubscribe = [offers.subscribe(bell.ring), database.subscribe(bell.ring)];
  signal.addEventListener("abort", bell.ring);
  /** The Node as it was when it was last written to: until the API tells a newer one, nothing is written again. */
  let written: Node | undefined;
  let delayMs: number | undefined;
  while (!signal.aborted) {
    const { node } = offers;
    const values = node && node !== written ? acknowledgement(options, node) : undefined;
    try {
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

/** What is to be written on the Node; undefined when there is nothing to say. */
function acknowledgement(
  { cache, offers, settled }: AcknowledgeOptions,
  node: Node,
): AnnotationValues | undefined {
  const offer = offers.current;
  if (!offer || !settled()) return undefined;
  const seen = poolSeen(
    offer.generation,
    cache.ports().map(({ port }) => port),
  );
  return isTold(offer, poolSeenOf(node), seen) ? undefined : poolSeenAnnotation(seen);
}

/** Whether all that the controller waits for is said. Ports that are used without being withdrawn are no matter. */
export function isTold(offer: Offer, told: PoolSeen | undefined, now: PoolSeen): boolean {
  const withdrawn = new Set(
    [...offer.ports.values()].filter((port) => port.withdrawn).map(({ offset }) => offset),
  );
  const awaited = ({ generation, used, spent }: PoolSeen) => ({
    generation,
    used: used.filter((offset) => withdrawn.has(offset)),
    spent,
  });
  return told !== undefined && isDeepStrictEqual(awaited(told), awaited(now));
}
