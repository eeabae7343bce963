// Who has which floating address, and which pod has it, as this leader has decided and written. A status that says something
// else was written by somebody else, and is written again.

import type { Ip } from "../model/ip.ts";
import { formatIp } from "../model/ip.ts";
import type { Owner } from "../model/owner.ts";

export interface FloatingGrant {
  /** Of the FloatingAddress. */
  readonly uid: string;
  readonly ips: readonly Ip[];
  /** The pod that has it; undefined while none can. */
  readonly pod: { readonly name: string; readonly uid: string; readonly node: string } | undefined;
}

export class FloatingGrants {
  /** What facts may use. */
  readonly #written = new Map<Owner, FloatingGrant>();
  /** What is being written: it keeps others away already. */
  readonly #chosen = new Map<Owner, FloatingGrant>();

  get(owner: Owner): FloatingGrant | undefined {
    return this.#written.get(owner);
  }

  /** Whether anything has been decided about it by this leader. */
  has(owner: Owner): boolean {
    return this.#written.has(owner) || this.#chosen.has(owner);
  }

  /** Who else has the address, or is about to. */
  holderOf(ip: string, except?: Owner): Owner | undefined {
    return this.#find(({ ips }) => ips.some((one) => formatIp(one) === ip), except);
  }

  /** Who else leads to the pod, or is about to. */
  leaderTo(podUid: string, except: Owner): Owner | undefined {
    return this.#find(({ pod }) => pod?.uid === podUid, except);
  }

  /** `write` makes it durable. If that fails, everything is as before. */
  async grant(owner: Owner, grant: FloatingGrant, write: () => Promise<void>): Promise<void> {
    this.#chosen.set(owner, grant);
    try {
      await write();
      this.#written.set(owner, grant);
    } finally {
      if (this.#chosen.get(owner) === grant) this.#chosen.delete(owner);
    }
  }

  /** Its object is gone. */
  forget(owner: Owner): void {
    this.#written.delete(owner);
  }

  #find(has: (grant: FloatingGrant) => boolean, except?: Owner): Owner | undefined {
    for (const grants of [this.#written, this.#chosen])
      for (const [owner, grant] of grants) if (owner !== except && has(grant)) return owner;
    return undefined;
  }
}
