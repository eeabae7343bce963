// A running stream between two pods that reveals every gap: a number every 50 ms by TCP and by UDP in both families. By
// UDP a lost packet is a missing number; a broken TCP connection is never re-established without a trace.

import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Cluster, eventually } from "./cluster.ts";
import { pod } from "./manifests.ts";

const program = join(import.meta.dirname, "stream.pl");
const port = 9000;
const intervalMs = 50;
/** On a busy machine, this many datagrams in a row may be lost although nothing is wrong. */
const fewLost = 5;
const ways = ["tcp4", "tcp6", "udp4", "udp6"] as const;
type Way = (typeof ways)[number];

export interface StreamEnds {
  readonly namespace: string;
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

interface Arrival {
  readonly number: number;
  readonly atMs: number;
}

type Arrivals = ReadonlyMap<Way, readonly Arrival[]>;

interface Story {
  readonly connections: number;
  readonly arrivals: Arrivals;
}

export class Stream {
  readonly #cluster: Cluster;
  readonly #ends: StreamEnds;
  /** The last number of each way that an expectation has checked. */
  readonly #judged = new Map<Way, number>();

  private constructor(cluster: Cluster, ends: StreamEnds) {
    this.#cluster = cluster;
    this.#ends = ends;
  }

  /** Resolves once the stream runs from a pod on node `from` to one on node `to`. */
  static async start(cluster: Cluster, ends: StreamEnds): Promise<Stream> {
    const { namespace, name, from, to } = ends;
    const end = (role: "send" | "receive", node: string, ...addresses: readonly string[]): object =>
      pod({
        namespace,
        name: `${name}-${role}`,
        node,
        ports: {},
        command: ["perl", program, role, String(port), ...addresses],
      });
    await cluster.apply(end("receive", to));
    await cluster.podsReady(namespace, `${name}-receive`);
    const addresses = await cluster.addressesOf(namespace, `${name}-receive`);
    await cluster.apply(end("send", from, ...addresses));
    const stream = new Stream(cluster, ends);
    await stream.goesOn();
    return stream;
  }

  /** Resolves when a second's worth of new numbers has arrived each way. */
  async goesOn(): Promise<void> {
    const { arrivals: before } = await this.#story();
    await eventually(`stream ${this.#ends.name} goes on`, async () => {
      const { arrivals: now } = await this.#story();
      return ways.every((way) => last(now, way) >= last(before, way) + 1000 / intervalMs);
    });
  }

  /** Resolves when nothing arrives any more, in any way. */
  async stops(): Promise<void> {
    await eventually(`stream ${this.#ends.name} stops`, async () => {
      const { arrivals: before } = await this.#story();
      await delay(1000);
      const { arrivals: now } = await this.#story();
      return ways.every((way) => last(now, way) === last(before, way));
    });
  }

  /** The stream goes on over its first connections. Since the last check only single packets were lost. */
  async expectNoGap(): Promise<void> {
    const chapter = await this.#chapter();
    for (const way of ["tcp4", "tcp6"] as const)
      assert.deepEqual(missing(chapter, way), [], `${way}: numbers that never came`);
    for (const way of ["udp4", "udp6"] as const) {
      const lost = missing(chapter, way);
      const inARow = lost.some((number, index) => (lost[index + fewLost] ?? 0) - number === fewLost);
      assert.ok(!inARow, `${way}: numbers that never came: ${lost.join(" ")}`);
    }
  }

  /** The stream goes on over its first connections. Since the last check no pause was longer than `limitMs`. */
  async expectGapOfAtMost(limitMs: number): Promise<void> {
    const chapter = await this.#chapter();
    for (const way of ways) {
      const arrivals = chapter.get(way) ?? [];
      const longestMs = Math.max(
        ...arrivals.slice(1).map(({ atMs }, index) => atMs - (arrivals[index]?.atMs ?? atMs)),
      );
      assert.ok(longestMs <= limitMs, `${way}: a pause of ${Math.round(longestMs)} ms`);
    }
    for (const way of ["tcp4", "tcp6"] as const)
      assert.deepEqual(missing(chapter, way), [], `${way}: numbers that never came`);
  }

  /** What has arrived since the last call, over the first connections. */
  async #chapter(): Promise<Arrivals> {
    await this.goesOn();
    const { connections, arrivals } = await this.#story();
    assert.equal(connections, 2, "one TCP connection per family, never made again");
    const chapter = new Map(
      ways.map((way) => [
        way,
        arrivals.get(way)?.filter(({ number }) => number >= (this.#judged.get(way) ?? 0)) ?? [],
      ]),
    );
    for (const way of ways) this.#judged.set(way, last(arrivals, way));
    return chapter;
  }

  async #story(): Promise<Story> {
    const { namespace, name } = this.#ends;
    const lines = (await this.#cluster.kubectl("logs", "-n", namespace, `${name}-receive`)).split("\n");
    const told = lines.map((line) => line.split(" "));
    return {
      connections: told.filter(([word]) => word === "connected").length,
      arrivals: new Map(
        ways.map((way) => [
          way,
          told
            .filter(([word, , seconds]) => word === way && seconds !== undefined)
            .map(([, number, seconds]) => ({ number: Number(number), atMs: Number(seconds) * 1000 })),
        ]),
      ),
    };
  }
}

const last = (arrivals: Arrivals, way: Way): number => arrivals.get(way)?.at(-1)?.number ?? 0;

/** The missing numbers between the first and the last that arrived. */
function missing(arrivals: Arrivals, way: Way): readonly number[] {
  const came = new Set(arrivals.get(way)?.map(({ number }) => number));
  const first = Math.min(...came);
  const all = Array.from({ length: Math.max(...came) - first }, (_, index) => first + index);
  return all.filter((number) => !came.has(number));
}
