// A FloatingAddress: which addresses it has, and which pod has them. Both are in its status before any fact uses them. What a
// status says when a leader starts counts only as far as rows prove it, or as far as it could be asked for now: somebody else
// may have patched it.

import type { FloatingAddress, GivenAddress } from "../kube/floatingAddress.ts";
import type { ObjectRef } from "../kube/kinds.ts";
import { selects } from "../kube/labelSelector.ts";
import type { Pod } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import { formatIp, type Ip } from "../model/ip.ts";
import { annotations } from "../model/names.ts";
import { type Owner, ownerOf, parseOwner } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import type { FloatingRow, FloatingRows } from "../observe/floatingRows.ts";
import { gatewayView } from "./announcing.ts";
import type { Decides, FloatingTell } from "./deciding.ts";
import { NotNow } from "./errors.ts";
import type { FloatingGrant, FloatingGrants } from "./floatingGrants.ts";
import { type HeldAddressesOptions, heldAddresses, type Lack } from "./floatingHeld.ts";
import { podFor } from "./floatingPod.ts";
import type { FloatingRequests } from "./floatingRequests.ts";
import { floatingKind, isFreedByFloating } from "./outerTaken.ts";
import type { Places } from "./places.ts";

/** The status that is to be written; `since` is the writer's. */
export interface FloatingStatus extends Omit<GivenAddress, "ready"> {
  readonly ready: Omit<NonNullable<GivenAddress["ready"]>, "since">;
}

export interface FloatingDecisionOptions extends HeldAddressesOptions {
  readonly stores: Pick<Stores, Reads>;
  readonly places: Pick<Places, "node" | "nodes" | "pod">;
  readonly grants: FloatingGrants;
  /** Pods that ask for an address by annotation. */
  readonly requests: FloatingRequests;
  /** What the database has. */
  readonly rows: FloatingRows;
  /** Asks for a pod that is not listed, and takes it in. Whether it may exist all the same, because nobody can say. */
  readonly mayExist: (
    pod: { readonly namespace: string; readonly name: string },
    owner: Owner,
  ) => Promise<boolean>;
  /** Nodes have gateway routers, and these lead to pods. */
  readonly hasGateways: boolean;
  /** Resolves when the API server has acknowledged it. */
  readonly write: (floating: FloatingAddress, status: FloatingStatus) => Promise<void>;
  readonly tell: FloatingTell;
  readonly again: (owner: Owner, delayMs: number) => void;
}

type Reads = "FloatingAddress" | "IPAddressPool" | "Pod" | "ServiceCIDR";

export function floatingDecision(options: FloatingDecisionOptions): Decides<Reads> {
  const { stores, places, grants, requests } = options;
  const { waiting } = options.taken;

  const all = (): readonly Owner[] => [...stores.FloatingAddress.values()].map(ownerOfFloating);
  const waken = (): void => {
    for (const owner of waiting) options.again(owner, 0);
  };

  async function decide(owner: Owner, floating: FloatingAddress): Promise<boolean> {
    const known = grants.get(owner);
    const mine = known?.uid === floating.uid ? known : undefined;
    const rows = mine ? [] : options.rows.of(owner);
    if (!mine) await requirePod(owner, floating, rows);
    const { ips, lack, remark } = heldAddresses(options, owner, floating, mine?.ips, rows);
    const { pod, lack: missing, others } = podOf(owner, floating, mine, rows);
    const has = ips.length > 0 && pod !== undefined;
    const problem = lack ?? missing ?? (has ? gatewayProblem(ips, pod) : undefined);
    if (lack?.reason === "NoAddress" || missing?.reason === "PodRefused") waiting.add(owner);
    else waiting.delete(owner);
    const grant: FloatingGrant = {
      uid: floating.uid,
      ips,
      pod: has ? { name: pod.name, uid: pod.uid, node: pod.nodeName } : undefined,
    };
    const status: FloatingStatus = {
      ips: ips.map(formatIp),
      ...(has && { podName: pod.name, podUid: pod.uid, nodeName: pod.nodeName }),
      ready: problem
        ? { status: "False", ...problem }
        : { status: "True", reason: "Serving", message: servingText(ips, pod, others, remark) },
    };
    const isShown = isSameStatus(status, floating.given);
    await grants.grant(owner, grant, async () => {
      if (!isShown) await options.write(floating, status);
    });
    if (!isShown) tell(floating, status, problem);
    return mine !== undefined && mine.ips.some((ip) => !ips.includes(ip));
  }

  /** At a start a list may have left out the pod that has the addresses: they would lead nowhere, or to another one. */
  async function requirePod(
    owner: Owner,
    { namespace, podName, given }: FloatingAddress,
    rows: readonly FloatingRow[],
  ): Promise<void> {
    const name = given.podName ?? podName;
    if (rows.length === 0 || name === undefined || stores.Pod.get(namespace, name)) return;
    if (await options.mayExist({ namespace, name }, owner))
      throw new NotNow(`pod ${namespace}/${name} had its addresses, and is not listed nor known to be gone`);
  }

  function podOf(
    owner: Owner,
    floating: FloatingAddress,
    mine: FloatingGrant | undefined,
    rows: readonly FloatingRow[],
  ): { readonly pod?: Pod; readonly lack?: Lack; readonly others: number } {
    if (floating.malformed !== undefined) return { others: 0 };
    const refusal = (pod: Pod): string | undefined => {
      const other = grants.leaderTo(pod.uid, owner) ?? rowLeader(pod, owner);
      if (other === undefined) return undefined;
      const { namespace, name } = parseOwner(other);
      return `pod ${pod.name} has the address of FloatingAddress ${namespace}/${name}, and a pod has only one`;
    };
    const has = (pod: Pod): boolean => {
      if (mine) return pod.uid === mine.pod?.uid;
      const inners = rows.length > 0 ? innersOf(pod) : [];
      return rows.length > 0
        ? rows.some(({ inner }) => inners.includes(inner))
        : pod.uid === floating.given.podUid;
    };
    const choice = podFor(floating, stores.Pod, has, refusal);
    if ("pod" in choice) return choice;
    return { lack: { reason: choice.reason, message: choice.none }, others: 0 };
  }

  /** Who has the pod according to rows, and has not been decided yet. */
  function rowLeader(pod: Pod, owner: Owner): Owner | undefined {
    return innersOf(pod)
      .flatMap((inner) => options.rows.to(inner))
      .map((row) => row.owner)
      .find((other) => {
        const { namespace, name } = parseOwner(other);
        const isThere = stores.FloatingAddress.get(namespace, name) !== undefined;
        return other !== owner && isThere && !grants.has(other);
      });
  }

  const innersOf = (pod: Pod): readonly string[] =>
    places.pod(pod)?.network.addresses.map(({ ip }) => formatIp(ip)) ?? [];

  function gatewayProblem(ips: readonly Ip[], pod: Pod): Lack | undefined {
    if (!options.hasGateways) return undefined;
    const node = places.node(pod.nodeName);
    const lost = ips.find(
      ({ family }) =>
        node?.chassisId === undefined || !node.gateway?.addresses.some(({ ip }) => ip.family === family),
    );
    if (!lost) return undefined;
    return {
      reason: "NoGateway",
      message: `node ${pod.nodeName} has no way out of IPv${lost.family}, so ${formatIp(lost)} is not reached; kubectl describe node ${pod.nodeName} says more`,
    };
  }

  function tell(floating: FloatingAddress, { ready }: FloatingStatus, problem: Lack | undefined): void {
    const pod =
      floating.madeFor === undefined ? undefined : stores.Pod.get(floating.namespace, floating.name);
    const objects: readonly ObjectRef[] = [floating, ...(pod?.uid === floating.madeFor && pod ? [pod] : [])];
    for (const object of objects)
      if (problem) options.tell.notFloating(object, problem.reason, problem.message);
      else options.tell.floating(object, ready.message);
  }

  return {
    kind: floatingKind,
    reads: {
      FloatingAddress: (change) => [
        ...sidesOf(change).map(ownerOfFloating),
        ...(isFreedByFloating(change) ? waiting : []),
      ],
      IPAddressPool: all,
      Pod: (change) => sidesOf(change).flatMap((pod) => concernedBy(pod, stores.FloatingAddress)),
      ServiceCIDR: () => [],
    },
    nodes: {
      view: gatewayView,
      owners: (node, { FloatingAddress: floatings }) =>
        [...floatings.values()].filter(({ given }) => given.nodeName === node).map(ownerOfFloating),
    },
    // What others translate, and what is left of those that nobody decides about any more, shows in rows alone.
    sees: ({ what }) => (what === "tenant" ? all() : what === "translations" ? waiting : []),
    async decide({ namespace, name }) {
      const owner = ownerOf(floatingKind, name, namespace);
      const floating = stores.FloatingAddress.get(namespace, name);
      await requests.follow(floating, stores.Pod.get(namespace, name));
      if (floating) return (await decide(owner, floating)) ? { release: waken } : {};
      waiting.delete(owner);
      if (!grants.get(owner)) return {};
      grants.forget(owner);
      return { release: waken };
    },
  };
}

export const ownerOfFloating = ({ namespace, name }: Pick<FloatingAddress, "namespace" | "name">): Owner =>
  ownerOf(floatingKind, name, namespace);

/** Those that name the pod or select it, and the one that is made for it. */
export const concernedBy = (pod: Pod, floatings: Stores["FloatingAddress"]): readonly Owner[] => [
  ...floatings.by("pod", `${pod.namespace}/${pod.name}`).map(ownerOfFloating),
  ...floatings
    .by("selecting", pod.namespace)
    .filter(({ podSelector = [] }) => selects(podSelector, pod.labels))
    .map(ownerOfFloating),
  ...(annotations.floatingAddress in pod.annotations ? [ownerOf(floatingKind, pod.name, pod.namespace)] : []),
];

function servingText(
  ips: readonly Ip[],
  pod: Pod | undefined,
  others: number,
  remark: string | undefined,
): string {
  const more = others > 0 ? `; spec.podSelector selects ${others} more, which have no part in it` : "";
  const verb = ips.length > 1 ? "lead" : "leads";
  return `${ips.map(formatIp).join(" and ")} ${verb} to pod ${pod?.name} on node ${pod?.nodeName}${more}${remark === undefined ? "" : `; ${remark}`}`;
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one) => b.includes(one));

const isSameStatus = (a: FloatingStatus, b: GivenAddress): boolean =>
  isSame(a.ips, b.ips) &&
  a.podName === b.podName &&
  a.podUid === b.podUid &&
  a.nodeName === b.nodeName &&
  a.ready.status === b.ready?.status &&
  a.ready.reason === b.ready.reason &&
  a.ready.message === b.ready.message;
