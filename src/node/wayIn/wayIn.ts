// Keeps the node's ports leading into Services: the nftables table, and flows on the external bridge, follow the Services as
// the API server tells about them. While it is away, what was written last stays.

import type { Log } from "../../kube/clock.ts";
import type { Service } from "../../kube/objects.ts";
import type { Store } from "../../kube/store.ts";
import type { Ip } from "../../model/ip.ts";
import { CommandError, type Run } from "../host/run.ts";
import { Bell } from "../wait/bell.ts";
import { type Door, doorsOf } from "./doors.ts";
import { type SharedBridge, wayInFlows } from "./flows.ts";
import { wayInRules } from "./table.ts";

const retryMs = 2_000;

/** Where the node is, once it is known. */
export interface WayInPlace {
  /** The node's own addresses. */
  readonly hosts: readonly Ip[];
  readonly masquerade: string | undefined;
  /** Undefined where no gateway router shares the node's address. */
  readonly bridge: SharedBridge | undefined;
}

export interface WayInOptions {
  readonly services: Store<Service>;
  readonly run: Run;
  readonly log: Log;
}

export class WayIn {
  readonly #options: WayInOptions;
  readonly #bell = new Bell();
  #place: WayInPlace | undefined;
  /** What was written last; undefined when it may be gone. */
  #written: string | undefined;
  #doors: readonly Door[] | undefined;

  constructor(options: WayInOptions) {
    this.#options = options;
  }

  /** The node is here. Everything is written again, since something may have taken it away. */
  readonly set = (place: WayInPlace): void => {
    this.#place = place;
    this.#written = undefined;
    this.#bell.ring();
  };

  /** Writes until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { services, log } = this.#options;
    const unsubscribe = services.subscribe(this.#bell.ring);
    services.ready(signal).then(this.#bell.ring, () => undefined);
    signal.addEventListener("abort", this.#bell.ring);
    let failed = false;
    while (!signal.aborted) {
      await this.#bell.heard(failed ? retryMs : undefined);
      try {
        failed = false;
        if (!signal.aborted) await this.#write();
      } catch (error) {
        failed = true;
        log("warn", "ports of Services on this node could not be written", { error });
      }
    }
    unsubscribe();
  }

  async #write(): Promise<void> {
    const { services, run } = this.#options;
    const place = this.#place;
    if (!place || !services.synced) return;
    const doors = doorsOf(services.values()).filter((door) => place.bridge || !door.keepsClient);
    const rules = wayInRules({ ...place, doors });
    const flows = place.bridge ? wayInFlows(place.bridge, doors) : "";
    const text = `${rules}${flows}`;
    if (text === this.#written) return;
    await run(["nft", "-f", "-"], { stdin: rules });
    if (place.bridge)
      await run(["ovs-ofctl", "-OOpenFlow14", "--bundle", "add-flows", place.bridge.socket, "-"], {
        stdin: flows,
      });
    const before = this.#doors;
    if (before) for (const port of movedUdpPorts(before, doors)) await this.#forget(port);
    this.#doors = doors;
    this.#written = text;
  }

  /**
   * A UDP client that keeps its source port would go on as it began: untranslated, or to where the port led before. The kernel
   * keeps its entry for as long as it sends.
   */
  async #forget(port: number): Promise<void> {
    for (const family of ["ipv4", "ipv6"])
      try {
        await this.#options.run(["conntrack", "-D", "-f", family, "-p", "udp", "--dport", String(port)]);
      } catch (error) {
        // conntrack(8) fails as well when there was nothing to delete.
        if (!(error instanceof CommandError && error.output.includes("0 flow entries"))) throw error;
      }
  }
}

/** The UDP ports that lead elsewhere now, or did not lead anywhere before or no longer do. */
export function movedUdpPorts(before: readonly Door[], after: readonly Door[]): ReadonlySet<number> {
  const lines = (doors: readonly Door[]): ReadonlyMap<string, number> =>
    new Map(
      doors
        .filter(({ protocol }) => protocol === "udp")
        .map((door) => [`${door.port} ${door.to.family} ${door.to.value} ${door.toPort}`, door.port]),
    );
  const [old, now] = [lines(before), lines(after)];
  const only = (one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): readonly number[] =>
    [...one].flatMap(([line, port]) => (other.has(line) ? [] : [port]));
  return new Set([...only(old, now), ...only(now, old)]);
}
