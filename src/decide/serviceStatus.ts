// What the decisions about a Service's addresses from outside share: they write into its status, and tell what it does
// not get.

import type { ObjectRef } from "../kube/kinds.ts";
import type { Service } from "../kube/objects.ts";
import type { Announcer } from "../model/outerAddresses.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import type { ServiceTell } from "./deciding.ts";

/** What is written into a Service's status. Resolves when the API server has acknowledged it. */
export type WriteServiceStatus = (
  service: ObjectRef & { readonly resourceVersion: string },
  status:
    | { readonly ingress: readonly string[] }
    | { readonly granted: readonly string[] }
    | { readonly announcers: readonly Announcer[] },
) => Promise<void>;

/** Tells what a Service does not get, and again only when that changes. */
export class ServiceNews {
  readonly #tell: ServiceTell;
  /** UID and reason -> what has been told */
  readonly #told = new Map<string, string>();

  constructor(tell: ServiceTell) {
    this.#tell = tell;
  }

  /** `message` undefined: for this reason nothing is withheld any more. */
  say(service: Service, reason: Parameters<ServiceTell["notGiven"]>[1], message: string | undefined): void {
    const key = `${service.uid} ${reason}`;
    if (message === undefined) this.#told.delete(key);
    else if (this.#told.get(key) !== message) {
      this.#told.set(key, message);
      this.#tell.notGiven(service, reason, message);
    }
  }
}

export const ownerOfService = ({ namespace, name }: Service): Owner => ownerOf("service", name, namespace);

/** Whether both have the same addresses, in any order. */
export const isSameIps = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one) => b.includes(one));

/** The order in which Services that ask for one address are served. */
export const isBefore = (a: Service, b: Service): boolean =>
  a.uid !== b.uid && `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}`;
