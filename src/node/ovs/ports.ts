// Pods' ports in the Open vSwitch database: made, found again, removed. One interface is one attachment of one
// container. The row itself says whose it is, so a restarted agent needs no memory of its own.

import { formatCidr, parseInterfaceAddress } from "../../model/ip.ts";
import { gatewayOf, networkAround, type PodNetwork } from "../../model/network.ts";
import type { VswitchTables } from "../../ovn/vswitch.gen.ts";
import type { Transaction } from "../../ovsdb/index.ts";
import type { Claim } from "../nouns/addressSource.ts";
import type { AttachmentId } from "../nouns/attachment.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";
import type { PodLink } from "../nouns/link.ts";
import {
  attachmentKeys,
  bridgeNamed,
  byPortName,
  type InterfaceRow,
  interfaceNamed,
  type Vswitch,
} from "./vswitch.ts";
import type { Writer } from "./writer.ts";

/** Adds operations to a transaction. */
export type Addition = (tx: Transaction<VswitchTables>) => void;

export class PodPorts {
  readonly #db: Vswitch;
  readonly #writer: Writer;
  readonly #bridge: string;

  /** `bridge` is the bridge that pods are plugged into. */
  constructor(db: Vswitch, writer: Writer, bridge: string) {
    this.#db = db;
    this.#writer = writer;
    this.#bridge = bridge;
  }

  /** Plugs the node's end of `link` in as the OVN port that `claim` names, in one transaction with what `also` adds. */
  attach(id: AttachmentId, claim: Claim, link: PodLink, also: Addition): Promise<void> {
    const bridge = bridgeNamed(this.#db, this.#bridge);
    if (!bridge) throw new Error(`Open vSwitch has no bridge ${this.#bridge}`);
    const interfaceUuid = crypto.randomUUID();
    const portUuid = crypto.randomUUID();
    const externalIds = new Map([
      ["iface-id", claim.portName],
      ...(claim.portVersion === undefined ? [] : [["iface-id-ver", claim.portVersion] as const]),
      ["attached_mac", claim.network.mac],
      ["ip_addresses", claim.network.addresses.map(formatCidr).join(",")],
      [attachmentKeys.container, id.container],
      [attachmentKeys.ifname, id.ifname],
      [attachmentKeys.pod, `${claim.namespace}/${claim.podName}`],
      [attachmentKeys.podUid, claim.podUid],
      [attachmentKeys.netns, link.netns],
    ]);
    return this.#writer.write((tx) => {
      also(tx);
      tx.insert("Interface", { name: link.hostInterface, external_ids: externalIds }, interfaceUuid)
        .insert(
          "Port",
          {
            name: link.hostInterface,
            interfaces: [interfaceUuid],
            // A frame that arrives on an access port with a tag of its own is dropped (ovs-vswitchd.conf.db(5), VLAN
            // Configuration), so a pod cannot send as another.
            ...(claim.tag !== undefined && { tag: claim.tag, vlan_mode: "access" as const }),
            // Open vSwitch's start script removes such ports after a reboot, when their pods are gone too.
            other_config: new Map([["transient", "true"]]),
          },
          portUuid,
        )
        .mutateSet("Bridge", bridge._uuid, "ports", "insert", [portUuid]);
    });
  }

  /** Unplugs the ports with these names, in one transaction with what `also` adds. Ports that do not exist are fine. */
  async detach(names: readonly string[], also: Addition = () => undefined): Promise<void> {
    const bridge = bridgeNamed(this.#db, this.#bridge);
    const ports = names.flatMap((name) =>
      this.#db
        .table("Port")
        .by("name", name)
        .map((port) => port._uuid),
    );
    await this.#writer.write((tx) => {
      also(tx);
      // Port and Interface are not root tables: the server removes rows without a referrer.
      if (bridge && ports.length > 0) tx.mutateSet("Bridge", bridge._uuid, "ports", "delete", ports);
    });
  }

  /** Throws while the database is away: the copy may be old, and nothing can be written. */
  requireDatabase(): void {
    if (this.#db.synced) return;
    throw new CniError(cniCode.tryAgainLater, "the agent has no connection to the Open vSwitch database");
  }

  named(hostInterface: string): InterfaceRow | undefined {
    return interfaceNamed(this.#db, hostInterface);
  }

  /** All interfaces that claim to be the OVN port `portName`. */
  claiming(portName: string): readonly InterfaceRow[] {
    return this.#db.table("Interface").by(byPortName, portName);
  }

  /** Every attachment that an agent of this node made and nobody has removed. */
  all(): readonly { readonly id: AttachmentId; readonly row: InterfaceRow }[] {
    return [...this.#db.table("Interface").values()].flatMap((row) => {
      const container = row.external_ids.get(attachmentKeys.container);
      const ifname = row.external_ids.get(attachmentKeys.ifname);
      return container === undefined || ifname === undefined ? [] : [{ id: { container, ifname }, row }];
    });
  }
}

/** A pod's MAC and addresses as `attach` wrote them into its row. */
export function networkIn({ external_ids }: InterfaceRow): PodNetwork {
  const addresses = (external_ids.get("ip_addresses") ?? "")
    .split(",")
    .flatMap((text) => parseInterfaceAddress(text) ?? []);
  const gateways = addresses.map((address) => gatewayOf(networkAround(address)));
  return { addresses, mac: external_ids.get("attached_mac") ?? "", gateways };
}
