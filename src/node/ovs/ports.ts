// Pods' ports in the Open vSwitch database: made, found again, removed. One interface is one attachment of one
// container; the row itself says whose it is, so a restarted agent needs no memory of its own.

import { formatCidr } from "../../model/ip.ts";
import { onNode } from "../../model/names.ts";
import type { Claim } from "../addressSource.ts";
import type { PodLink } from "../host/links.ts";
import { CniError, cniCode } from "../runtime/error.ts";
import type { AttachmentId } from "../runtime/request.ts";
import {
  attachmentKeys,
  bridgeNamed,
  byPortName,
  type InterfaceRow,
  interfaceNamed,
  type Vswitch,
} from "./vswitch.ts";
import type { Writer } from "./writer.ts";

export class PodPorts {
  readonly #db: Vswitch;
  readonly #writer: Writer;

  constructor(db: Vswitch, writer: Writer) {
    this.#db = db;
    this.#writer = writer;
  }

  /** Plugs the node's end of `link` into br-int, as the OVN port that `claim` names. */
  attach(id: AttachmentId, claim: Claim, link: PodLink): Promise<void> {
    const bridge = bridgeNamed(this.#db, onNode.integrationBridge);
    if (!bridge) throw new Error(`Open vSwitch has no bridge ${onNode.integrationBridge}`);
    const interfaceUuid = crypto.randomUUID();
    const portUuid = crypto.randomUUID();
    const externalIds = new Map([
      ["iface-id", claim.portName],
      ["iface-id-ver", claim.podUid],
      ["attached_mac", claim.network.mac],
      ["ip_addresses", claim.network.addresses.map(formatCidr).join(",")],
      [attachmentKeys.container, id.container],
      [attachmentKeys.ifname, id.ifname],
      [attachmentKeys.pod, `${claim.namespace}/${claim.podName}`],
    ]);
    return this.#writer.write((tx) =>
      tx
        .insert("Interface", { name: link.hostInterface, external_ids: externalIds }, interfaceUuid)
        .insert(
          "Port",
          {
            name: link.hostInterface,
            interfaces: [interfaceUuid],
            // Open vSwitch's start script removes such ports after a reboot, when their pods are gone as well.
            other_config: new Map([["transient", "true"]]),
          },
          portUuid,
        )
        .mutateSet("Bridge", bridge._uuid, "ports", "insert", [portUuid]),
    );
  }

  /** Takes the ports of these names out of br-int. Those that are not there are no error. */
  async detach(names: readonly string[]): Promise<void> {
    const bridge = bridgeNamed(this.#db, onNode.integrationBridge);
    const ports = names.flatMap((name) =>
      this.#db
        .table("Port")
        .by("name", name)
        .map((port) => port._uuid),
    );
    if (!bridge || ports.length === 0) return;
    // Port and Interface rows are no roots: without a referrer the server removes them.
    await this.#writer.write((tx) => tx.mutateSet("Bridge", bridge._uuid, "ports", "delete", ports));
  }

  /** The database is away: what is known of it may be old, and nothing can be written. */
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

  /** Every attachment that an agent of this node ever made and nobody removed. */
  all(): readonly { readonly id: AttachmentId; readonly row: InterfaceRow }[] {
    return [...this.#db.table("Interface").values()].flatMap((row) => {
      const container = row.external_ids.get(attachmentKeys.container);
      const ifname = row.external_ids.get(attachmentKeys.ifname);
      return container === undefined || ifname === undefined ? [] : [{ id: { container, ifname }, row }];
    });
  }
}
