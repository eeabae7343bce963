// Port rows in memory, indexed as a replica does it, and the addresses that they hold.

import { ownership } from "../model/names.ts";
import { rowUuid } from "../model/uuid.ts";
import { Rows } from "../ovsdb/rows.ts";
import { addressesOf, type PortRow, RowAddresses } from "./rowAddresses.ts";

const cluster = "demo";

export class PortRows extends RowAddresses {
  readonly #index: Rows;
  readonly #rows: Map<string, PortRow>;

  constructor() {
    const index = new Rows([addressesOf, "name"]);
    const rows = new Map<string, PortRow>();
    super(
      {
        get: (uuid) => [...rows.values()].find(({ name }) => uuidOf(name) === uuid),
        by: (of, ip) => index.by(of, ip).flatMap(({ _uuid: uuid }) => rows.get(uuid) ?? []),
      },
      cluster,
    );
    this.#index = index;
    this.#rows = rows;
  }

  /** `pod` is the UID of the pod that the port is for. */
  set(uuid: string, name: string, addresses: readonly string[], pod = "", owner = cluster): void {
    const row = {
      name,
      addresses,
      external_ids: new Map([
        [ownership.cluster, owner],
        [ownership.owner, name.replace(/^demo_pod_([^_]+)_/, "pod/$1/")],
      ]),
      options: new Map([["iface-id-ver", pod]]),
    };
    this.#rows.set(uuid, row);
    this.#index.replace(this.#index.get(uuid), { ...row, _uuid: uuid });
  }

  delete(uuid: string): void {
    this.#rows.delete(uuid);
    this.#index.replace(this.#index.get(uuid), undefined);
  }
}

const uuidOf = (port: string): string => rowUuid(cluster, "Logical_Switch_Port", port);
