// The addresses that domain names have now, for plans, and how far they have got, for resolvers. Plans have no clock: here it
// runs, and an owner is planned again when an address's time is over. What is in force is written on the object, and a
// resolver that holds an answer back until then lets it go.

import { clusterRanges } from "../decide/ownRanges.ts";
import type { Places } from "../decide/places.ts";
import type { Clock, Log } from "../kube/clock.ts";
import { isNotFound } from "../kube/error.ts";
import { type LearnedName, learnedObjectName } from "../kube/learnedName.ts";
import type { Stores } from "../kube/stores.ts";
import { type Cidr, contains, formatIp, type Ip, parseIp } from "../model/ip.ts";
import { rangesMeet } from "../model/ipRange.ts";
import type { ClusterNetwork, ResolvedNode } from "../model/network.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import { isOrdinary, metadataRanges } from "../model/specialAddresses.ts";
import { sidesOf } from "../observe/concerns.ts";
import type { Observed } from "../observe/observed.ts";
import type { Groups } from "../select/groups.ts";
import { type NameGroup, nameGroupId } from "../select/nameGroup.ts";
import type { PlanningApplied } from "./planningOptions.ts";
import { carriersOf } from "./policyLookup.ts";

export interface LearnedNamesOptions {
  readonly stores: Pick<Stores, "LearnedName" | "ServiceCIDR">;
  readonly network: ClusterNetwork;
  readonly places: Pick<Places, "nodes">;
  readonly groups: Pick<Groups, "nameGroups" | "usersOf" | "usedBy" | "members" | "source">;
  readonly observed: Pick<Observed, "hasMembers" | "ports">;
  readonly enqueue: (owner: Owner) => void;
  /** Undefined when nothing is sent. */
  readonly installed: NonNullable<PlanningApplied["reach"]>["installed"] | undefined;
  /** Says on the object that this generation of it is in force. */
  readonly write: ((object: LearnedName, generation: number) => Promise<void>) | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

interface Known {
  /** The generation from which each group of the pattern was planned last. */
  readonly planned: Map<string, number>;
  callOff: () => void;
  isReporting: boolean;
}

/** The wall clock may jump, so no longer than this is waited in one go. */
const longestMs = 30_000;
const againMs = 1_000;
/** A node that reports at all has installed something long before. */
const patienceMs = 5_000;

export class LearnedNames {
  readonly #options: LearnedNamesOptions;
  /** pattern -> what is known of it */
  readonly #known = new Map<string, Known>();

  constructor(options: LearnedNamesOptions) {
    this.#options = options;
  }

  /** Follows the store, which must be complete. */
  begin(): void {
    const { stores, signal } = this.#options;
    const stop = stores.LearnedName.subscribe((changes) => {
      for (const change of changes) {
        const [{ pattern } = { pattern: "" }] = sidesOf(change);
        if (change.new?.generation !== change.old?.generation || change.new?.uid !== change.old?.uid)
          this.#enqueue(pattern);
      }
    });
    const stopRanges = stores.ServiceCIDR.subscribe(() => this.#enqueueAll());
    signal.addEventListener("abort", () => {
      stop();
      stopRanges();
      for (const { callOff } of this.#known.values()) callOff();
    });
  }

  /** A node's addresses are no longer anybody else's, or again. */
  nodeChanged(before: ResolvedNode | undefined, after: ResolvedNode | undefined): void {
    const textOf = (node: ResolvedNode | undefined): string =>
      (node?.hostAddresses ?? []).map(formatIp).join();
    if (textOf(before) !== textOf(after)) this.#enqueueAll();
  }

  /** The addresses that count now. Looks again when the first of them no longer does. */
  addresses(group: NameGroup): readonly Ip[] {
    const { clock } = this.#options;
    const object = this.#objectOf(group.pattern);
    const nowMs = clock.wall();
    const known = this.#knownOf(group.pattern);
    known.planned.set(nameGroupId(group), object?.generation ?? 0);
    const live = [...(object?.addresses ?? [])].filter(([, { untilMs }]) => untilMs > nowMs);
    const nextMs = Math.min(...live.map(([, { untilMs }]) => untilMs));
    known.callOff();
    known.callOff =
      live.length === 0
        ? () => undefined
        : clock.after(Math.min(nextMs - nowMs, longestMs), () => this.#enqueue(group.pattern));
    const isOwn = this.#ownAddresses();
    return live
      .flatMap(([text]) => parseIp(text) ?? [])
      .filter((ip) => !isOwn(ip) && !group.outside.some((range) => contains(range, ip)));
  }

  /** The group has been planned, if a policy still uses it. */
  planned(group: NameGroup | undefined): void {
    if (group) void this.#report(group.pattern);
  }

  /** No answer gives anybody the addresses of pods, Services and nodes, or those with a meaning of their own. */
  #ownAddresses(): (ip: Ip) => boolean {
    const { network, stores, places } = this.#options;
    const ranges = clusterRanges(network, stores.ServiceCIDR.values());
    const ofNodes = new Set([...places.nodes()].flatMap((node) => node.hostAddresses.map(formatIp)));
    const isIn = (ip: Ip, all: readonly Cidr[]): boolean => all.some((range) => contains(range, ip));
    return (ip) =>
      !isOrdinary(ip) ||
      isIn(ip, metadataRanges) ||
      ofNodes.has(formatIp(ip)) ||
      ranges.some(([, range]) => rangesMeet(range, { first: ip, last: ip }));
  }

  /** Never rejects. */
  async #report(pattern: string): Promise<void> {
    const { write, clock, log, signal } = this.#options;
    const known = this.#knownOf(pattern);
    if (!write || known.isReporting) return;
    known.isReporting = true;
    try {
      for (let object = this.#toReport(pattern); object; object = this.#toReport(pattern)) {
        await this.#inForce(pattern);
        await write(object, object.generation);
        // The watch is about to show it. Until then there is nothing to do unless there is a newer generation.
        if ((this.#objectOf(pattern)?.generation ?? 0) <= object.generation) break;
      }
    } catch (error) {
      if (!signal.aborted && !isNotFound(error)) {
        log("warn", "cannot say that what a name resolves to is in force", { pattern, error });
        clock.after(againMs, () => void this.#report(pattern));
      }
    }
    known.isReporting = false;
  }

  /** The object, if all groups have been planned from it and it does not say so. */
  #toReport(pattern: string): LearnedName | undefined {
    const object = this.#objectOf(pattern);
    if (!object || object.inForce >= object.generation || this.#options.signal.aborted) return undefined;
    const { planned } = this.#knownOf(pattern);
    const groups = this.#groupsOf(pattern);
    return groups.length > 0 && groups.every((id) => (planned.get(id) ?? 0) >= object.generation)
      ? object
      : undefined;
  }

  /**
   * Resolves when all chassis with pods that may send to the name have what is planned, when some do not say so in time, or
   * when nobody can tell.
   */
  async #inForce(pattern: string): Promise<void> {
    const { groups, installed, signal } = this.#options;
    if (!installed) return;
    const chassisOf = (id: string): readonly string[] => [
      ...new Set(
        [...groups.usersOf({ role: "name", id })].flatMap((policy) =>
          groups.usedBy(policy, "subject").flatMap((group) => [...carriersOf(this.#options, group)]),
        ),
      ),
    ];
    // A node that is switched off would hold up the others' names for ever.
    const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    await Promise.all(
      this.#groupsOf(pattern).map((id) => installed(ownerOf("name", id), chassisOf(id), limit)),
    ).catch((error: unknown) => {
      if (signal.aborted || !limit.aborted) throw error;
    });
  }

  #enqueueAll(): void {
    for (const id of this.#options.groups.nameGroups.keys()) this.#options.enqueue(ownerOf("name", id));
  }

  #enqueue(pattern: string): void {
    for (const id of this.#groupsOf(pattern)) this.#options.enqueue(ownerOf("name", id));
  }

  #groupsOf(pattern: string): readonly string[] {
    return [...this.#options.groups.nameGroups].flatMap(([id, group]) =>
      group.pattern === pattern ? [id] : [],
    );
  }

  #objectOf(pattern: string): LearnedName | undefined {
    return this.#options.stores.LearnedName.get("", learnedObjectName(pattern));
  }

  #knownOf(pattern: string): Known {
    const known = this.#known.get(pattern) ?? {
      planned: new Map<string, number>(),
      callOff: () => undefined,
      isReporting: false,
    };
    this.#known.set(pattern, known);
    return known;
  }
}
