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
  readonly #written = new Grants();
  /** What is being written: it keeps others away already. */
  readonly #chosen = new Grants();

  get(owner: Owner): FloatingGrant | undefined {
    return this.#written.get(owner);
  }

  /** Whether anything has been decided about it by this leader. */
  has(owner: Owner): boolean {
    return this.#written.get(owner) !== undefined || this.#chosen.get(owner) !== undefined;
  }

  /** Who else has the address, or is about to. */
  holderOf(ip: string, except?: Owner): Owner | undefined {
    return this.#find(ipKey(ip), except);
  }

  /** Who else leads to the pod, or is about to. */
  leaderTo(podUid: string, except: Owner): Owner | undefined {
    return this.#find(podKey(podUid), except);
  }

  /** `write` makes it durable. If that fails, everything is as before. */
  async grant(owner: Owner, grant: FloatingGrant, write: () => Promise<void>): Promise<void> {
    this.#chosen.set(owner, grant);
    try {
      await write();
      this.#written.set(owner, grant);
    } finally {
      if (this.#chosen.get(owner) === grant) this.#chosen.set(owner, undefined);
    }
  }

  /** Its object is gone. */
  forget(owner: Owner): void {
    this.#written.set(owner, undefined);
  }

  #find(key: string, except: Owner | undefined): Owner | undefined {
    for (const grants of [this.#written, this.#chosen])
      for (const owner of grants.having(key)) if (owner !== except) return owner;
    return undefined;
  }
}

/** Found by what they grant, because each address of a pool may be asked for in a search. */
class Grants {
  readonly #grants = new Map<Owner, FloatingGrant>();
  readonly #owners = new Map<string, Set<Owner>>();

  get(owner: Owner): FloatingGrant | undefined {
    return this.#grants.get(owner);
  }

  having(key: string): Iterable<Owner> {
    return this.#owners.get(key) ?? [];
  }

  set(owner: Owner, grant: FloatingGrant | undefined): void {
    for (const key of keysOf(this.#grants.get(owner))) {
      const owners = this.#owners.get(key);
      owners?.delete(owner);
      if (owners?.size === 0) this.#owners.delete(key);
    }
    for (const key of keysOf(grant)) {
      const owners = this.#owners.get(key);
      if (owners) owners.add(owner);
      else this.#owners.set(key, new Set([owner]));
    }
    if (grant) this.#grants.set(owner, grant);
    else this.#grants.delete(owner);
  }
}

const ipKey = (ip: string): string => `ip ${ip}`;
const podKey = (uid: string): string => `pod ${uid}`;

const keysOf = (grant: FloatingGrant | undefined): readonly string[] =>
  grant ? [...grant.ips.map((ip) => ipKey(formatIp(ip))), ...(grant.pod ? [podKey(grant.pod.uid)] : [])] : [];
