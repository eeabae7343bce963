// ADD, DEL, CHECK and GC: the life of a pod's interface. ADD reads from top to bottom: address, link, port in br-int,
// wait until ovn-controller has put the port's flows in. Its memory is the Open vSwitch database alone.

import { parseInterfaceAddress, parseIp } from "../../model/ip.ts";
import type { AddressSource, Claim } from "../addressSource.ts";
import { hostInterfaceOf, type PodLink } from "../host/links.ts";
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
import type { Phase } from "../metrics.ts";
import { type Match, withEnd } from "../ovs/conntrack.ts";
import type { PodPorts } from "../ovs/ports.ts";
import type { InterfaceRow } from "../ovs/vswitch.ts";
import { type Source, whenever } from "../whenever.ts";
import { CniError, cniCode } from "./error.ts";
import { Locks } from "./locks.ts";
import type { AddRequest, AttachmentId, CheckRequest, GcRequest } from "./request.ts";

/** What the node is, as far as pods' links depend on it. Known before the first ADD is let in. */
export interface LinkSettings {
  readonly mtuBytes: number;
  /** Whether pods must compute their own checksums, as with the userspace datapath. */
  readonly ownChecksums: boolean;
}

export interface AttachmentsOptions {
  readonly addresses: AddressSource;
  readonly ports: PodPorts;
  /** Tells when the Open vSwitch database has changed. */
  readonly database: Source;
  readonly run: Run;
  readonly linkSettings: () => LinkSettings;
  /** Does not reject. */
  readonly flushConntrack: (matches: readonly Match[]) => Promise<void>;
  /** What ovn-controller says of itself, for the error of an ADD that waited in vain. */
  readonly controllerStatus: () => Promise<string>;
  readonly observe: (phase: Phase, seconds: number) => void;
}

export class Attachments {
  readonly #options: AttachmentsOptions;
  readonly #locks = new Locks();

  constructor(options: AttachmentsOptions) {
    this.#options = options;
  }

  /** Attaches the container, or finds that it is: a second ADD of one container has the first one's result. */
  async add(request: AddRequest, signal: AbortSignal): Promise<PodLink> {
    await requireForeignNamespace(request.netns);
    const { addresses, linkSettings } = this.#options;
    const claim = await this.#timed("address", addresses.claim(request.pod, signal));
    const link: PodLink = {
      hostInterface: hostInterfaceOf(request.container, request.ifname),
      netns: request.netns,
      ifname: request.ifname,
      mtuBytes: linkSettings().mtuBytes,
      network: claim.network,
    };
    return this.#locks.run([lockOf(request), claim.portName], async () => {
      this.#options.ports.requireDatabase();
      if (await this.#isWhole(claim, link)) {
        await this.#installed(claim, link, signal);
        return link;
      }
      await this.#detach(this.#predecessors(claim, link));
      try {
        await this.#timed("link", makeLink(this.#options.run, link));
        await this.#plug(request, claim, link);
        await this.#timed("installed", this.#installed(claim, link, signal));
      } catch (error) {
        await this.#detach([link.hostInterface]);
        throw error;
      }
      return link;
    });
  }

  /** Leaves nothing of the attachment. What is not there is no error. */
  remove(id: AttachmentId): Promise<void> {
    return this.#locks.run([lockOf(id)], async () => {
      this.#options.ports.requireDatabase();
      const name = hostInterfaceOf(id.container, id.ifname);
      const row = this.#options.ports.named(name);
      await this.#detach([name]);
      if (row) await this.#options.flushConntrack(addressesOf(row).flatMap(withEnd));
    });
  }

  /** Throws a CniError that says what of the attachment is not as ADD left it. */
  async check(request: CheckRequest): Promise<void> {
    const { ports, run } = this.#options;
    const wrong = (what: string): CniError =>
      new CniError(cniCode.notAsAttached, `container ${request.container}, ${request.ifname}: ${what}`);
    ports.requireDatabase();
    const row = ports.named(hostInterfaceOf(request.container, request.ifname));
    if (!row) throw wrong("no interface in Open vSwitch");
    if (row.error !== undefined) throw wrong(`Open vSwitch says ${row.error}`);
    if (!isInstalled(row)) throw wrong("ovn-controller has not installed its port");
    const found = await inspectLink(run, request.ifname, request.netns);
    if (!found) throw wrong(`no such interface in ${request.netns}`);
    const wanted = request.addresses.flatMap((text) => parseInterfaceAddress(text) ?? []);
    if (wanted.length < request.addresses.length || !hasAddresses(found, wanted)) {
      throw wrong(`its addresses are not ${request.addresses.join(", ")}`);
    }
  }

  /** Removes every attachment but the valid ones. */
  async collect({ valid }: GcRequest): Promise<void> {
    this.#options.ports.requireDatabase();
    const kept = new Set(valid.map(lockOf));
    const stale = this.#options.ports.all().filter(({ id }) => !kept.has(lockOf(id)));
    await Promise.all(stale.map(({ id }) => this.remove(id)));
  }

  /**
   * Removes attachments whose link is gone: their pods ended, with their namespaces, while no agent was there. To be
   * called before the first ADD is let in.
   */
  async adopt(): Promise<void> {
    const links = await linkNames(this.#options.run);
    const stale = this.#options.ports.all().filter(({ row }) => !links.has(row.name));
    await Promise.all(stale.map(({ id }) => this.remove(id)));
  }

  async #isWhole(claim: Claim, { hostInterface, netns, ifname }: PodLink): Promise<boolean> {
    const row = this.#options.ports.named(hostInterface);
    if (row?.external_ids.get("iface-id") !== claim.portName) return false;
    if (row.external_ids.get("iface-id-ver") !== claim.podUid || row.error !== undefined) return false;
    const found = await inspectLink(this.#options.run, ifname, netns);
    return found?.mac === claim.network.mac && hasAddresses(found, claim.network.addresses);
  }

  /** What must go first: a half-made attachment of this container, and older ones that claim the same OVN port. */
  #predecessors({ portName }: Claim, { hostInterface }: PodLink): readonly string[] {
    const { ports } = this.#options;
    const rows = [...ports.claiming(portName), ports.named(hostInterface)];
    return [...new Set(rows.flatMap((row) => row?.name ?? []))];
  }

  /** The port and the pod's end know nothing of each other, so both are made at once. */
  async #plug(id: AttachmentId, claim: Claim, link: PodLink): Promise<void> {
    const { ports, run, linkSettings } = this.#options;
    const outcomes = await Promise.allSettled([
      this.#timed("port", ports.attach(id, claim, link)),
      configureLink(run, link, linkSettings().ownChecksums),
    ]);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  async #installed(claim: Claim, { hostInterface }: PodLink, signal: AbortSignal): Promise<void> {
    const { addresses, database, ports } = this.#options;
    const who = `pod ${claim.namespace}/${claim.podName}`;
    const look = (): true | undefined => {
      const row = ports.named(hostInterface);
      if (!row) throw new CniError(cniCode.tryAgainLater, `${who}: somebody removed ${hostInterface}`);
      if (!addresses.holds(claim)) {
        throw new CniError(cniCode.tryAgainLater, `${who} was deleted meanwhile, or its addresses changed`);
      }
      return isInstalled(row) || undefined;
    };
    try {
      await whenever([database, addresses], signal, look);
    } catch (error) {
      if (!signal.aborted) throw error;
      const details = `${describe(ports.named(hostInterface))}; ovn-controller: ${await this.#options.controllerStatus()}`;
      const message = `${who}: waited for ovn-controller to install port ${claim.portName} (ovn-installed on interface ${hostInterface})`;
      throw new CniError(cniCode.tryAgainLater, message, { details, cause: error });
    }
  }

  async #detach(names: readonly string[]): Promise<void> {
    await this.#options.ports.detach(names);
    await removeLinks(this.#options.run, names);
  }

  async #timed<T>(phase: Phase, work: Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await work;
    this.#options.observe(phase, (performance.now() - started) / 1000);
    return result;
  }
}

const lockOf = ({ container, ifname }: AttachmentId): string => `${container}/${ifname}`;

const isInstalled = (row: InterfaceRow): boolean => row.external_ids.get("ovn-installed") === "true";

const addressesOf = (row: InterfaceRow) =>
  (row.external_ids.get("ip_addresses") ?? "")
    .split(",")
    .flatMap((text) => parseIp(text.split("/")[0] ?? "") ?? []);

const describe = (row: InterfaceRow | undefined): string =>
  row
    ? `Open vSwitch: ofport ${row.ofport ?? "none"}, error ${row.error ?? "none"}, iface-id ${row.external_ids.get("iface-id") ?? "none"}`
    : "Open vSwitch: no such interface";
