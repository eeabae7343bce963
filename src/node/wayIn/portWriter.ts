// Keeps the node's ports leading to Services and pods: the nftables table, and flows on the external bridge, follow the
// Services and the node's pods as the API server tells about them. While it is away, what was written last stays.

import type { Log } from "../../kube/clock.ts";
import type { FloatingAddress } from "../../kube/floatingAddress.ts";
import type { ConditionText, Pod, Service } from "../../kube/objects.ts";
import type { Store } from "../../kube/store.ts";
import { isLoopback } from "../../model/hostPort.ts";
import { type Cidr, formatIp, type Ip } from "../../model/ip.ts";
import { onNode } from "../../model/names.ts";
import { writeFlows } from "../host/ownFlows.ts";
import { writeTable } from "../host/ownTable.ts";
import { CommandError, type Run } from "../host/run.ts";
import { setSysctls } from "../host/sysctls.ts";
import type { Check } from "../nouns/check.ts";
import { Bell } from "../wait/bell.ts";
import { type Door, doorsOf } from "./doors.ts";
import { floatsAt } from "./floats.ts";
import { type SharedBridge, wayInCookie, wayInFlows } from "./flows.ts";
import type { LedBefore } from "./ledBefore.ts";
import { outerOf } from "./outerDoors.ts";
import { podDoorsOf } from "./podDoors.ts";
import { wayInRules, wayInTable } from "./table.ts";

const retryMs = 2_000;

/** A program may print what it was given. */
const longestMessage = 1_000;

/** Where the node is, once it is known. */
export interface WayInPlace {
  /** The node's own addresses. */
  readonly hosts: readonly Ip[];
  readonly masquerade: string | undefined;
  /** Where the node's pods are. */
  readonly subnets: readonly Cidr[];
  /** The interface by which the node's own processes reach pods under a loopback address; undefined where they do not. */
  readonly loopback: string | undefined;
  /** The external bridge; undefined where no gateway router shares the node's address. */
  readonly bridge: SharedBridge | undefined;
}

export interface PortWriterOptions {
  readonly nodeName: string;
  readonly services: Store<Service>;
  readonly floatings: Store<FloatingAddress>;
  /** The node's. */
  readonly pods: Store<Pod>;
  readonly run: Run;
  /** Removes UDP connections to a port of these addresses from the datapath's tracker, where OVN and bridge remember them. */
  readonly forget: (addresses: readonly Ip[], port: number) => Promise<void>;
  readonly ledBefore: Pick<LedBefore, "udp" | "keepUdp">;
  /**
   * Called when it changes why the ports are not as the API server says, for example because Open vSwitch refuses the flows;
   * with undefined when they are.
   */
  readonly outcome: (problem: ConditionText | undefined) => void;
  readonly log: Log;
}

export class PortWriter {
  readonly #options: PortWriterOptions;
  readonly #bell = new Bell();
  #place: WayInPlace | undefined;
  /** What was written last; undefined when it may be gone. */
  #written: string | undefined;
  /** Of what was written last; undefined while something is being written. */
  #checks: readonly Check[] | undefined = [];
  #problem: ConditionText | undefined;

  constructor(options: PortWriterOptions) {
    this.#options = options;
  }

  /** The node is here. Everything is written again, since something may have taken it away. */
  readonly set = (place: WayInPlace): void => {
    this.#place = place;
    this.#written = undefined;
    this.#bell.ring();
  };

  /** Checks of what was written last; undefined while something is being written. */
  readonly checks = (): readonly Check[] | undefined =>
    this.#checks?.map((check, _, all) => ({
      ...check,
      difference: async () => {
        const difference = await check.difference();
        return all === this.#checks ? difference : undefined;
      },
    }));

  /** Writes until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { services, pods, floatings } = this.#options;
    const unsubscribe = [services, pods, floatings].map((store) => store.subscribe(this.#bell.ring));
    for (const store of [services, pods, floatings])
      store.ready(signal).then(this.#bell.ring, () => undefined);
    signal.addEventListener("abort", this.#bell.ring);
    while (!signal.aborted) {
      await this.#bell.heard(this.#problem ? retryMs : undefined);
      if (signal.aborted) break;
      try {
        await this.#write();
        this.#noteOutcome(undefined);
      } catch (error) {
        this.#checks = [];
        this.#noteOutcome(error instanceof Error ? error.message : String(error));
      }
    }
    for (const end of unsubscribe) end();
  }

  /** Notes whether the last attempt failed, and why. */
  #noteOutcome(failure: string | undefined): void {
    const { outcome, log } = this.#options;
    const what = "the ports of Services and pods on this node";
    const message =
      failure === undefined ? undefined : `${what} could not be written: ${failure}`.slice(0, longestMessage);
    if (message === this.#problem?.message) return;
    this.#problem = message === undefined ? undefined : { reason: "PortsNotWritten", message };
    log(message === undefined ? "info" : "warn", message ?? `${what} are written`, {});
    outcome(this.#problem);
  }

  async #write(): Promise<void> {
    const { nodeName, services, pods, floatings, run } = this.#options;
    const place = this.#place;
    if (!place || !services.synced || !pods.synced || !floatings.synced) return;
    const throughHost = place.bridge?.throughHost === true;
    const ofServices = outerOf(services.values(), throughHost);
    const floats = place.bridge
      ? floatsAt({ ...place, nodeName }, floatings.values(), (namespace, name) => pods.get(namespace, name))
      : [];
    const addresses = [...ofServices.addresses, ...floats.map(({ outer: ip }) => ip)];
    const outer = { ...ofServices, addresses };
    const doors = [
      ...doorsOf(services.values()).filter((door) => place.bridge || !door.keepsClient),
      ...outer.doors,
      ...podDoorsOf(pods.values(), services.values(), { ...place, hasGateway: place.bridge !== undefined }),
    ];
    const podsComeBy = throughHost ? onNode.managementInterface : undefined;
    const rules = wayInRules({ ...place, ...outer, doors, floats, podsComeBy });
    const flows = place.bridge ? wayInFlows(place.bridge, doors, outer, floats) : "";
    const text = `${rules}${flows}`;
    if (text === this.#written) return;
    this.#checks = undefined;
    const checks = [await writeTable(run, wayInTable, rules)];
    if (place.bridge) {
      const { socket } = place.bridge;
      const own = { bridge: onNode.externalBridge, socket, cookie: wayInCookie };
      checks.push(await writeFlows(run, own, flows));
    }
    if (place.loopback !== undefined) checks.push(await routeLoopback(place.loopback, doors));
    const { ledBefore } = this.#options;
    const [before, now] = [ledBefore.udp, udpLines(doors)];
    if (before)
      for (const port of movedUdpPorts(before, now)) await this.#forget(port, place, outer.addresses);
    await ledBefore.keepUdp(now);
    // Something may have taken it away since.
    this.#written = place === this.#place ? text : undefined;
    this.#checks = checks;
  }

  /**
   * A UDP client that keeps its source port would go on as it began: untranslated, or to where the port led before. Kernel and
   * datapath keep their entries for as long as it sends.
   */
  async #forget(port: number, { bridge }: WayInPlace, outer: readonly Ip[]): Promise<void> {
    if (bridge) await this.#options.forget([...bridge.shared, ...outer], port);
    for (const family of ["ipv4", "ipv6"])
      try {
        await this.#options.run(["conntrack", "-D", "-f", family, "-p", "udp", "--dport", String(port)]);
      } catch (error) {
        // conntrack(8) fails as well when there was nothing to delete.
        if (!(error instanceof CommandError && error.output.includes("0 flow entries"))) throw error;
      }
  }
}

/**
 * Lets packets from 127.0.0.1 leave by the interface, and answers to them come back, while a port there leads to a pod. The
 * node's firewall lets nothing else of that sort in.
 */
async function routeLoopback(device: string, doors: readonly Door[]): Promise<Check> {
  const isWanted = doors.some(({ at }) => at?.family === 4 && isLoopback(at));
  return setSysctls([[`ipv4/conf/${device}/route_localnet`, isWanted ? "1" : "0"]]);
}

/** `30053 10.96.0.10 53` is where a UDP port leads, `53 192.0.2.9 10.244.0.5 53` one of a single address. */
export const udpLines = (doors: readonly Door[]): ReadonlySet<string> =>
  new Set(
    doors.flatMap(({ protocol, port, at, to, toPort }) =>
      protocol === "udp" ? [[port, ...(at ? [formatIp(at)] : []), formatIp(to), toPort].join(" ")] : [],
    ),
  );

/** The UDP ports that now lead somewhere else, begin to lead somewhere, or lead nowhere any more. */
export const movedUdpPorts = (before: ReadonlySet<string>, now: ReadonlySet<string>): ReadonlySet<number> =>
  new Set([...before.symmetricDifference(now)].map((line) => Number(line.split(" ")[0])));
