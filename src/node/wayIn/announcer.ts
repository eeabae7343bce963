// Tells the node's network when an address of a Service or of a FloatingAddress comes to this node (neighbourNews.ts). OVN
// answers whoever asks for the address, but says nothing by itself that would end what neighbours remember of another node. Who
// announces is the controller's choice, in the object's status.

import type { Clock, Log } from "../../kube/clock.ts";
import type { FloatingAddress } from "../../kube/floatingAddress.ts";
import type { Service } from "../../kube/objects.ts";
import type { Store } from "../../kube/store.ts";
import { type Ip, parseIp } from "../../model/ip.ts";
import { announcersOf } from "../../model/outerAddresses.ts";
import type { Run } from "../host/run.ts";
import { Bell } from "../wait/bell.ts";
import type { SharedBridge } from "./flows.ts";
import { neighbourNews } from "./neighbourNews.ts";

/** When news is repeated: a frame may be lost, and the node before may still answer for a moment. */
const roundsMs = [0, 1_000, 3_000, 7_000] as const;

export interface AnnouncerOptions {
  readonly nodeName: string;
  readonly services: Store<Service>;
  readonly floatings: Store<FloatingAddress>;
  readonly run: Run;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is still to be said about an address. */
interface News {
  readonly ip: Ip;
  readonly sinceMs: number;
  readonly round: number;
}

export class Announcer {
  readonly #options: AnnouncerOptions;
  readonly #bell = new Bell();
  /** address -> its news; without a round left it stays, as one that has been told */
  readonly #news = new Map<string, News>();
  #bridge: SharedBridge | undefined;

  constructor(options: AnnouncerOptions) {
    this.#options = options;
  }

  /** Where the node's network is; undefined where no gateway router answers for addresses. */
  readonly set = (bridge: SharedBridge | undefined): void => {
    if (bridge?.mac !== this.#bridge?.mac || bridge?.out !== this.#bridge?.out) this.#news.clear();
    this.#bridge = bridge;
    this.#bell.ring();
  };

  /** Tells until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { services, floatings, clock, log } = this.#options;
    const unsubscribe = [services, floatings].map((store) => store.subscribe(this.#bell.ring));
    for (const store of [services, floatings]) store.ready(signal).then(this.#bell.ring, () => undefined);
    signal.addEventListener("abort", this.#bell.ring);
    while (!signal.aborted) {
      const next = this.#nextMs();
      await this.#bell.heard(next === undefined ? undefined : Math.max(0, next - clock.now()));
      if (signal.aborted || !services.synced || !floatings.synced || !this.#bridge) continue;
      this.#look();
      try {
        await this.#tell(this.#bridge);
      } catch (error) {
        log("warn", "an address of this node could not be announced on the network", { error });
      }
    }
    for (const end of unsubscribe) end();
  }

  /** Which addresses have come, and which have gone. */
  #look(): void {
    const { services, floatings, nodeName, clock } = this.#options;
    const here = new Set([
      ...[...services.values()].flatMap((service) =>
        announcersOf(service).flatMap(({ ip, node }) => (node === nodeName ? [ip] : [])),
      ),
      ...[...floatings.values()].flatMap(({ given }) => (given.nodeName === nodeName ? given.ips : [])),
    ]);
    for (const text of this.#news.keys()) if (!here.has(text)) this.#news.delete(text);
    for (const text of here) {
      const ip = parseIp(text);
      if (ip && !this.#news.has(text)) this.#news.set(text, { ip, sinceMs: clock.now(), round: 0 });
    }
  }

  /** All that is due, in one command: a node that takes over may have hundreds of addresses to tell of. */
  async #tell({ socket, mac, out }: SharedBridge): Promise<void> {
    const now = this.#options.clock.now();
    const due = [...this.#news].filter(([, news]) => (dueMs(news) ?? Number.POSITIVE_INFINITY) <= now);
    if (due.length === 0) return;
    for (const [text, news] of due) this.#news.set(text, { ...news, round: news.round + 1 });
    const packets = due.map(
      ([, { ip }]) => `packet-out in_port=LOCAL packet=${neighbourNews(mac, ip)} actions=${out}\n`,
    );
    await this.#options.run(["ovs-ofctl", "-OOpenFlow14", "bundle", socket, "-"], {
      stdin: packets.join(""),
    });
  }

  #nextMs(): number | undefined {
    const due = [...this.#news.values()].flatMap((news) => dueMs(news) ?? []);
    return due.length === 0 ? undefined : Math.min(...due);
  }
}

/** When the next round is; undefined when all have been. */
function dueMs({ sinceMs, round }: News): number | undefined {
  const after = roundsMs[round];
  return after === undefined ? undefined : sinceMs + after;
}
