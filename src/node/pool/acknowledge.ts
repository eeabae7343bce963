// Tells the controller, by an annotation of the Node, that its offer has been taken in, and which ports are in use. Written
// only when the controller waits for it: after an offer that takes something back, when a withdrawn port becomes free, and when a
// port is spent. Claims are not told: the controller sees the pods' own addresses.

import { isDeepStrictEqual } from "node:util";
import { type AnnotationValues, poolSeenAnnotation, poolSeenOf } from "../../kube/annotations.ts";
import type { Log } from "../../kube/clock.ts";
import type { Node } from "../../kube/objects.ts";
import type { PoolSeen } from "../../model/pool.ts";
import { Bell } from "../wait/bell.ts";
import { type PoolCache, poolSeen } from "./cache.ts";
import type { Offers } from "./offer.ts";

const retryMs = { first: 200, longest: 5000 };

export interface AcknowledgeOptions {
  readonly cache: PoolCache;
  readonly offers: Offers;
  /** Whether the cache is as the offer wants it. */
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
  /** The Node as it was when it was last written to: until the API tells a newer one, nothing is written again. */
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
 * What is to be written on the Node; undefined when there is nothing to say. Of an outdated offer, that a later one was taken
 * in: the controller then begins anew from there.
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
  // Nothing was asked in a line yet that has gone on from all that was.
  const asked = current && current.asked <= current.from ? undefined : (current?.asked ?? taken.generation);
  return answers(poolSeenOf(node), asked, withdrawn, seen) || !settled()
    ? undefined
    : poolSeenAnnotation(seen);
}

/**
 * Whether `told` says all of `now` that the controller waits for, which has asked in the generation `asked` of this line last,
 * if it has. Ports that are used without being withdrawn are no matter.
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
