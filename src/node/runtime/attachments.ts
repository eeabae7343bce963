// ADD, DEL and GC: the life of a pod's interface. ADD reads from top to bottom: address, link, port in the
// bridge, wait until packets can pass. The Open vSwitch database is its only memory.

import type { VswitchTables } from "../../ovn/vswitch.gen.ts";
import { isOvsdbError, type Transaction } from "../../ovsdb/index.ts";
import { hostInterfaceOf } from "../host/links.ts";
import {
  configureLink,
  hasAddresses,
  inspectLink,
  linkNames,
  makeLink,
  removeLinks,
  requireForeignNamespace,
} from "../host/podLink.ts";
import type { Run } from "../host/run.ts";
import type { AddressSource, Claim } from "../nouns/addressSource.ts";
import type { AttachmentId } from "../nouns/attachment.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";
import type { LinkSettings, PodLink } from "../nouns/link.ts";
import type { Completion } from "../ovs/completion.ts";
import { type Flush, withEnd } from "../ovs/conntrack.ts";
import { networkIn, type PodPorts } from "../ovs/ports.ts";
import type { InterfaceRow } from "../ovs/vswitch.ts";
import { type Source, whenever } from "../wait/whenever.ts";
import { check } from "./check.ts";
import { Locks } from "./locks.ts";
import type { AddRequest, CheckRequest, GcRequest } from "./request.ts";
import { type Departures, unlessGone } from "./unlessGone.ts";

/** The phases of a pod's start, in order: its address, its link, its port in the bridge, and OVN's flows. */
export type Phase = "address" | "link" | "port" | "installed";

export interface AttachmentsOptions {
  readonly addresses: AddressSource;
  readonly ports: PodPorts;
  /** Notifies of changes in the Open vSwitch database. */
  readonly database: Source;
  readonly run: Run;
  readonly linkSettings: () => LinkSettings;
  readonly completion: Completion;
  readonly departures: Departures;
  readonly flush: Flush;
  /** Called with the duration of each phase. */
  readonly phaseTook: (phase: Phase, seconds: number) => void;
}

/** Only manual changes or a second agent can take a claim away: more attempts than this mean a fault. */
const mostClaims = 10;

export class Attachments {
  readonly #options: AttachmentsOptions;
  readonly #locks = new Locks();

  constructor(options: AttachmentsOptions) {
    this.#options = options;
  }

  /** Attaches the container. A second ADD of an attached container returns the result of the first. */
  async add(request: AddRequest, signal: AbortSignal): Promise<PodLink> {
    await requireForeignNamespace(request.netns);
    return this.#locks.run([request.container], () => {
      this.#options.ports.requireDatabase();
      this.#requireNoOther(request);
      return this.#claimAndAttach(request, signal);
    });
  }

  async #claimAndAttach(request: AddRequest, signal: AbortSignal): Promise<PodLink> {
    const { addresses, departures, ports } = this.#options;
    const { pod } = request;
    for (let attempt = 1; ; attempt++) {
      ports.requireDatabase();
      const claiming = unlessGone(departures.asked, pod, signal, (wanted) =>
        addresses.claim(pod, request, wanted),
      );
      const claim = await this.#timed("address", claiming);
      try {
        // Two containers of one pod may want the same port. The order of locks is always the container's, then the
        // port's.
        return await this.#locks.run([claim.portName], () =>
          unlessGone(departures.told, pod, signal, (wanted) => this.#attach(request, claim, wanted)),
        );
      } catch (error) {
        if (!isOvsdbError(error, "timed out")) throw error;
        if (attempt < mostClaims) continue;
        const message = `pod ${claim.namespace}/${claim.podName}: ${attempt} ports in a row were claimed by somebody else`;
        throw new CniError(cniCode.tryAgainLater, message, { cause: error });
      } finally {
        addresses.settle(claim);
      }
    }
  }

  /** A pod is one port, so a second interface of its container would take the first one's place. */
  #requireNoOther({ container, ifname }: AttachmentId): void {
    const other = this.#options.ports
      .all()
      .find(({ id }) => id.container === container && id.ifname !== ifname);
    if (!other) return;
    const message = `CNI_IFNAME ${ifname}: the container already has an interface of Weft, ${other.id.ifname}, and cannot have a second one`;
    throw new CniError(cniCode.invalidEnvironment, message);
  }

  async #attach(request: AddRequest, claim: Claim, signal: AbortSignal): Promise<PodLink> {
    this.#options.ports.requireDatabase();
    const link: PodLink = {
      hostInterface: hostInterfaceOf(request.container, request.ifname),
      netns: request.netns,
      ifname: request.ifname,
      mtu: this.#options.linkSettings().mtu,
      network: claim.network,
    };
    if (await this.#isWhole(claim, link)) {
      await this.#installed(request, claim, link, signal);
      return link;
    }
    await this.#detach(this.#predecessors(claim, link));
    try {
      await this.#timed("link", makeLink(this.#options.run, link));
      await this.#plug(request, claim, link);
      await this.#timed("installed", this.#installed(request, claim, link, signal));
    } catch (error) {
      await this.#detach([link.hostInterface], request);
      throw error;
    }
    return link;
  }

  /** Removes everything of the attachment. Parts that do not exist are fine. */
  remove(id: AttachmentId): Promise<void> {
    return this.#locks.run([id.container], async () => {
      this.#options.ports.requireDatabase();
      const name = hostInterfaceOf(id.container, id.ifname);
      const row = this.#options.ports.named(name);
      await this.#detach([name], id);
      if (!row) return;
      const addresses = networkIn(row).addresses.map(({ ip }) => ip);
      await this.#options.flush(addresses.flatMap(withEnd));
    });
  }

  /** Throws a CniError that says what is no longer as ADD left it. */
  check(request: CheckRequest): Promise<void> {
    return check(this.#options, request);
  }

  /** Removes every attachment but the valid ones: as many as can be removed, and then says which could not. */
  async collect({ valid }: GcRequest): Promise<void> {
    this.#options.ports.requireDatabase();
    const kept = new Set(valid.map(keyOf));
    await this.#removeAll((id) => !kept.has(keyOf(id)));
  }

  /**
   * Removes attachments whose link is gone: their pods, and the pods' namespaces, ended while no agent was running.
   * Call it before the first ADD is accepted.
   */
  async adopt(): Promise<void> {
    const links = await linkNames(this.#options.run);
    await this.#removeAll((_, name) => !links.has(name));
  }

  async #removeAll(isStale: (id: AttachmentId, hostInterface: string) => boolean): Promise<void> {
    const stale = this.#options.ports.all().filter(({ id, row }) => isStale(id, row.name));
    const outcomes = await Promise.allSettled(stale.map(({ id }) => this.remove(id)));
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    const [first] = failed;
    if (!first) return;
    if (failed.length === 1) throw first.reason;
    const message = `${failed.length} of ${stale.length} attachments could not be removed: ${String(first.reason)}`;
    throw new CniError(cniCode.tryAgainLater, message, { cause: first.reason });
  }

  async #isWhole(claim: Claim, { hostInterface, netns, ifname }: PodLink): Promise<boolean> {
    const row = this.#options.ports.named(hostInterface);
    if (row?.external_ids.get("iface-id") !== claim.portName) return false;
    if (row.external_ids.get("iface-id-ver") !== claim.portVersion || row.error !== undefined) return false;
    const found = await inspectLink(this.#options.run, ifname, netns);
    return found?.mac === claim.network.mac && hasAddresses(found, claim.network.addresses);
  }

  /** What must go first: a half-made attachment of this container, and older ones that claim the same OVN port. */
  #predecessors({ portName }: Claim, { hostInterface }: PodLink): readonly string[] {
    const { ports } = this.#options;
    const rows = [...ports.claiming(portName), ports.named(hostInterface)];
    return [...new Set(rows.flatMap((row) => row?.name ?? []))];
  }

  /** The port and the pod's end do not depend on each other, so both are made at the same time. */
  async #plug(id: AttachmentId, claim: Claim, link: PodLink): Promise<void> {
    const { addresses, ports, run, linkSettings } = this.#options;
    const take = (tx: Transaction<VswitchTables>): void => addresses.take(tx, claim, id);
    const outcomes = await Promise.allSettled([
      this.#timed("port", ports.attach(id, claim, link, take)),
      configureLink(run, link, linkSettings().ownChecksums),
    ]);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  async #installed(
    id: AttachmentId,
    claim: Claim,
    { hostInterface }: PodLink,
    signal: AbortSignal,
  ): Promise<void> {
    const { addresses, completion, database, ports } = this.#options;
    const who = `pod ${claim.namespace}/${claim.podName}`;
    const look = (): true | undefined => {
      const row = ports.named(hostInterface);
      if (!row) throw new CniError(cniCode.tryAgainLater, `${who}: somebody removed ${hostInterface}`);
      if (!addresses.holds(claim, id)) {
        throw new CniError(cniCode.tryAgainLater, `${who} was deleted meanwhile, or its addresses changed`);
      }
      return completion.isComplete(row) || undefined;
    };
    try {
      await whenever([database, addresses], signal, look);
    } catch (error) {
      if (!signal.aborted) throw error;
      const details = `${describe(ports.named(hostInterface))}; ${await completion.status()}`;
      const message = `${who}: waited for ${completion.awaited(claim.portName, hostInterface)}`;
      throw new CniError(cniCode.tryAgainLater, message, { details, cause: error });
    }
  }

  /** Unplugs and removes links. If `released` is given, its address is given back in the same transaction. */
  async #detach(names: readonly string[], released?: AttachmentId): Promise<void> {
    const { addresses, ports, run } = this.#options;
    await ports.detach(names, (tx) => released && addresses.release(tx, released));
    await removeLinks(run, names);
  }

  async #timed<T>(phase: Phase, work: Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await work;
    this.#options.phaseTook(phase, (performance.now() - started) / 1000);
    return result;
  }
}

const keyOf = ({ container, ifname }: AttachmentId): string => `${container}/${ifname}`;

const describe = (row: InterfaceRow | undefined): string =>
  row
    ? `Open vSwitch: ofport ${row.ofport ?? "none"}, error ${row.error ?? "none"}, iface-id ${row.external_ids.get("iface-id") ?? "none"}`
    : "Open vSwitch: no such interface";
