// Addresses from the node's own pool of ready ports. A port is claimed in the transaction that plugs the pod in, and
// given back in the one that unplugs it. Nothing outside the node is asked.

import type { Pod } from "../../kube/objects.ts";
import { isMeant } from "../../kube/staticPod.ts";
import type { VswitchTables } from "../../ovn/vswitch.gen.ts";
import type { Transaction } from "../../ovsdb/index.ts";
import type { AddressSource, Claim } from "../nouns/addressSource.ts";
import type { AttachmentId, PodIdentity } from "../nouns/attachment.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";
import type { Pods } from "../nouns/pods.ts";
import { whenever } from "../wait/whenever.ts";
import { type PoolCache, type SoundRow } from "./cache.ts";
import { agrees } from "./changes.ts";
import { portFor, shortageText } from "./choice.ts";
import type { Offers } from "./offer.ts";
import { doubtAbout, type Policies } from "./openProof.ts";
import { idsOf, type PoolScope } from "./queueRow.ts";
import type { Reservations } from "./reservations.ts";

/** What a request for a port got: an open or a closed one, the port the container already had, or none. */
export type ClaimOutcome = "open" | "closed" | "again" | "none";

export interface PooledOptions {
  readonly scope: PoolScope;
  readonly cache: PoolCache;
  readonly offers: Offers;
  readonly reservations: Reservations;
  readonly pods: Pods;
  readonly policies: Policies;
  readonly observe: (outcome: ClaimOutcome) => void;
}

export class PooledAddresses implements AddressSource {
  readonly #options: PooledOptions;

  constructor(options: PooledOptions) {
    this.#options = options;
  }

  subscribe(listener: () => void): () => void {
    return this.#options.cache.subscribe(listener);
  }

  /** The port is reserved until `settle`; only `take` claims it. */
  async claim(pod: PodIdentity, id: AttachmentId, signal: AbortSignal): Promise<Claim> {
    const { cache, offers, pods, policies, reservations, observe } = this.#options;
    try {
      return await whenever([cache, offers, pods, policies, reservations], signal, () => this.#look(pod, id));
    } catch (error) {
      if (!signal.aborted) throw error;
      observe("none");
      throw new CniError(cniCode.tryAgainLater, this.#shortage(pod), { cause: error });
    }
  }

  take(tx: Transaction<VswitchTables>, claim: Claim, { container, ifname }: AttachmentId): void {
    const { reservations, scope } = this.#options;
    const row = reservations.get(claim.portName);
    if (!row) throw new Error(`port ${claim.portName} is not reserved`);
    // If somebody else claims or changes the row, this fails, and with it the whole transaction.
    tx.waitUntil("Queue", row.uuid, { external_ids: row.ids });
    if (row.port.use.state === "claimed") return;
    const holder = { container, ifname, pod: `${claim.namespace}/${claim.podName}`, podUid: claim.podUid };
    const claimed = idsOf(scope, { ...row.port, use: { state: "claimed", holder } });
    tx.update("Queue", row.uuid, { external_ids: claimed });
  }

  settle({ portName }: Claim): void {
    this.#options.reservations.remove(portName);
  }

  release(tx: Transaction<VswitchTables>, id: AttachmentId): void {
    const row = this.#options.cache.claimOf(id);
    if (!row || row.port.use.state === "ready") return;
    const resting = idsOf(this.#options.scope, { ...row.port, use: { ...row.port.use, state: "resting" } });
    const unchanged = [
      ["_uuid", "==", row.uuid],
      ["external_ids", "==", row.ids],
    ] as const;
    tx.update("Queue", unchanged, { external_ids: resting });
  }

  holds({ portName }: Claim, id: AttachmentId): boolean {
    return this.#options.cache.claimOf(id)?.port.name === portName;
  }

  #look(wanted: PodIdentity, id: AttachmentId): Claim | undefined {
    const { cache, reservations, observe } = this.#options;
    const known = this.#known(wanted);
    if (known?.hostNetwork) {
      const reason = `pod ${wanted.namespace}/${wanted.name} uses the node's own network; it gets no interface`;
      throw new CniError(cniCode.invalidConfiguration, reason);
    }
    if (!cache.synced) return undefined;
    const own = cache.claimOf(id);
    const row = own ?? portFor(this.#ready(), this.#doubt(wanted) === undefined);
    if (!row) return undefined;
    const { name: portName, network, tag, open } = row.port;
    reservations.add(row);
    observe(own ? "again" : open ? "open" : "closed");
    const podUid = known?.uid ?? wanted.uid ?? "";
    const { namespace, name: podName } = wanted;
    return { namespace, podName, podUid, portName, portVersion: undefined, tag, network };
  }

  /**
   * The ports that may be claimed: their rows are ready and match what the controller last said. Until the API server
   * has reported the Node, the rows alone decide.
   */
  #ready(): readonly SoundRow[] {
    const { cache, offers, reservations } = this.#options;
    const offered = offers.current?.ports;
    if (!offered && !offers.unheard) return [];
    return cache.ports().filter(({ uuid, port }) => {
      if (port.use.state !== "ready" || reservations.has(port.name)) return false;
      if (cache.holders(port.name).length > 0) return false;
      return !offered || agrees(port, offered.get(uuid));
    });
  }

  #known({ namespace, name, uid }: PodIdentity): Pod | undefined {
    const pod = this.#options.pods.get(namespace, name);
    return pod && (uid === undefined || isMeant(pod, uid)) ? pod : undefined;
  }

  #doubt(wanted: PodIdentity): string | undefined {
    return doubtAbout(wanted, this.#known(wanted), this.#options.policies);
  }

  #shortage(wanted: PodIdentity): string {
    const { cache, offers, pods, scope } = this.#options;
    const { nodeName, nested } = scope;
    const text = shortageText({
      nodeName,
      nested,
      ports: cache.ports().map(({ port }) => port),
      doubt: this.#doubt(wanted),
      offered: offers.outdated ? "outdated" : offers.current ? "yes" : offers.unheard ? "unheard" : "no",
      lagging: pods.lagging,
    });
    return `pod ${wanted.namespace}/${wanted.name}: ${text}`;
  }
}
