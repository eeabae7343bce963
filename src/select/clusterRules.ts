// What the rules of cluster policies come to in OVN before 23.06, whose ACLs have priorities and no tiers. Accept and Deny
// become ACLs, and their order priorities. Pass cannot: what it matches has to be judged by NetworkPolicies, whose ACLs
// are elsewhere. So it becomes part of the rules after it: each of them falls into the parts that no earlier Pass takes
// away, of its subjects, its peers or its ports. Parts may overlap, because they do the same.

import {
  type ClusterPeer,
  type ClusterPolicy,
  type ClusterRule,
  hasPass,
  type PodsPeer,
} from "../kube/clusterPolicy.ts";
import type { LabelSelector } from "../kube/objects.ts";
import { type Cidr, overlaps } from "../model/ip.ts";
import { levelsOf } from "../model/levels.ts";
import { clusterPolicyLimits } from "../model/limits.ts";
import { allPorts, isEmpty, noPorts, type PortSet, portSetOf, union, without } from "../model/portSet.ts";
import { remainder } from "../model/remainder.ts";
import type { NamedGroups } from "./groups.ts";
import type { NameGroup } from "./nameGroup.ts";
import { type NodeGroup, nodeGroupId } from "./nodeGroup.ts";
import { narrowed, type PodGroup, partsWithin } from "./podGroup.ts";
import {
  areDisjoint,
  covers,
  everyPod,
  labelSelection,
  namespacesMatching,
  type Selection,
} from "./selection.ts";

export const directions = ["ingress", "egress"] as const;
export type Direction = (typeof directions)[number];

/** A part of a rule, as one ACL does it. */
export interface RulePart {
  readonly way: Direction;
  readonly rule: number;
  readonly part: number;
  readonly action: "Accept" | "Deny";
  /** Lower ones come first, among the rules of a priority. */
  readonly level: number;
  readonly subjects: PodGroup;
  readonly peers: PartPeers;
  readonly ports: PortSet;
  /** Ports by name, unless they mean a number in `passed`. */
  readonly portNames: readonly string[];
  readonly passed: PortSet;
}

export interface PartPeers {
  readonly pods: readonly PodGroup[];
  readonly nodes: readonly NodeGroup[];
  readonly blocks: readonly Cidr[];
  readonly names: readonly NameGroup[];
  /** The addresses of these nodes are not meant, although blocks have them. */
  readonly notNodes: readonly LabelSelector[];
}

export interface PolicyParts {
  readonly parts: readonly RulePart[];
  /** The parts of the policy that have no effect because of a limit, for people. */
  readonly leftOut: string | undefined;
}

/** The part of a rule that no earlier policy decides. */
interface Rest {
  readonly and: readonly Selection[];
  readonly notSubjects: readonly Selection[];
  readonly gone: readonly ClusterPeer[];
  readonly ports: PortSet;
  readonly passed: PortSet;
}

interface Pass {
  readonly subject: Selection;
  readonly peers: readonly ClusterPeer[];
  readonly ports: PortSet;
  readonly hasNames: boolean;
  readonly level: number;
  readonly index: number;
}

/** Whether the second rule may match what the first passes on. */
export const mayPassFor = (first: ClusterPolicy, second: ClusterPolicy): boolean =>
  hasPass(first) && second.tier === "Admin" && first.priority <= second.priority;

export const selectionOfPods = ({ namespaces, pods }: PodsPeer): Selection =>
  labelSelection(namespacesMatching(namespaces), pods);

/** `others`: all policies of the cluster. `podRanges`: where pods have their addresses. */
export function partsOf(
  policy: ClusterPolicy,
  others: Iterable<ClusterPolicy>,
  podRanges: readonly Cidr[],
): PolicyParts {
  const parts: RulePart[] = [];
  const limits: string[] = [];
  if (!policy.subject) return { parts, leftOut: undefined };
  const subject = selectionOfPods(policy.subject);
  const passing = [...others].filter((other) => !isSame(other, policy) && mayPassFor(other, policy));
  for (const way of directions) {
    const foreign = passing.flatMap((other) =>
      passesOf(other, way).map((pass) => ({ ...pass, isEarlier: other.priority < policy.priority })),
    );
    const own = passesOf(policy, way);
    for (const { rule, level } of levelsOf(policy.tier, policy[way])) {
      const { action, index } = rule;
      if (level === undefined) {
        limits.push(`spec.${way}[${index}] accepts nothing: before it the actions change too often`);
        continue;
      }
      if (policy.tier === "Admin" && action === "Pass") continue;
      const passes = [
        ...own.filter((pass) => pass.index < index),
        ...foreign.filter((pass) => pass.isEarlier || pass.level < level),
      ];
      const deed = action === "Deny" ? "Deny" : "Accept";
      const { rests, isWhole } = restsOf(rule, deed, subject, passes);
      if (!isWhole)
        limits.push(
          `spec.${way}[${index}] ${deed === "Deny" ? "denies more" : "accepts nothing"}: too many Pass rules come before it`,
        );
      for (const rest of rests) {
        const subjects = narrowed(subject, { and: rest.and, except: rest.notSubjects });
        const peers = peersOf(rule.peers, rest.gone, podRanges);
        if (!subjects || isNobody(peers)) continue;
        const { ports, passed } = rest;
        const what = { way, rule: index, part: parts.length, action: deed, level } as const;
        parts.push({ ...what, subjects, peers, ports, portNames: portNamesOf(rule), passed });
      }
    }
  }
  return { parts: numbered(parts), leftOut: limits.length > 0 ? limits.join("; ") : undefined };
}

export const groupsOfParts = (parts: readonly RulePart[]): NamedGroups => ({
  subject: parts.map(({ subjects }) => subjects),
  peer: parts.flatMap(({ peers }) => peers.pods),
  nodes: parts.flatMap(({ peers }) => peers.nodes),
  names: parts.flatMap(({ peers }) => peers.names),
});

/** Each rule's parts from 0, so that a rule with more of them does not rename those of others. */
const numbered = (parts: readonly RulePart[]): readonly RulePart[] =>
  [...Map.groupBy(parts, ({ way, rule }) => `${way} ${rule}`).values()].flatMap((all) =>
    all.map((one, part) => ({ ...one, part })),
  );

function passesOf(policy: ClusterPolicy, way: Direction): readonly Pass[] {
  const { subject } = policy;
  if (!subject || policy.tier !== "Admin") return [];
  return levelsOf(policy.tier, policy[way]).flatMap(({ rule, level = 0 }) =>
    rule.action === "Pass"
      ? [
          {
            subject: selectionOfPods(subject),
            peers: rule.peers,
            ports: numbersOf(rule),
            hasNames: portNamesOf(rule).length > 0,
            level,
            index: rule.index,
          },
        ]
      : [],
  );
}

/**
 * What is left of a rule after earlier Pass rules. Where that cannot be computed exactly, it never opens what should be
 * closed.
 */
function restsOf(
  rule: ClusterRule,
  action: "Accept" | "Deny",
  subject: Selection,
  passes: readonly Pass[],
): { readonly rests: readonly Rest[]; readonly isWhole: boolean } {
  const hasNames = portNamesOf(rule).length > 0;
  const isLeft = ({ ports, passed }: Rest): boolean =>
    !isEmpty(ports) || (hasNames && !isEmpty(without(allPorts, passed)));
  let rests: readonly Rest[] = [
    { and: [], notSubjects: [], gone: [], ports: numbersOf(rule), passed: noPorts },
  ];
  let isWhole = true;
  for (const pass of passes) {
    // Which numbers a name means differs from pod to pod: it is passed on to accept nothing, and still denied.
    const taken = pass.hasNames && action === "Accept" ? allPorts : pass.ports;
    if (isEmpty(taken) || !mayMeet(rule.peers, pass.peers)) continue;
    const after = rests.flatMap((rest) => {
      const among = [subject, ...rest.and];
      const isOther =
        rest.notSubjects.some((one) => covers(one, pass.subject)) ||
        among.some((one) => areDisjoint(one, pass.subject)) ||
        (!hasNames && isEmpty(intersection(rest.ports, taken)));
      if (isOther) return [rest];
      const isAll = among.some((one) => covers(pass.subject, one));
      const inside = isAll ? rest : { ...rest, and: [...rest.and, pass.subject] };
      return [
        ...(isAll ? [] : [{ ...rest, notSubjects: [...rest.notSubjects, pass.subject] }]),
        { ...inside, gone: [...rest.gone, ...pass.peers] },
        { ...inside, ports: without(rest.ports, taken), passed: union(rest.passed, taken) },
      ].filter(isLeft);
    });
    if (after.length <= clusterPolicyLimits.parts) rests = after;
    else {
      isWhole = false;
      if (action === "Accept") return { rests: [], isWhole };
    }
  }
  return { rests, isWhole };
}

const intersection = (a: PortSet, b: PortSet): PortSet => without(a, without(a, b));

/** The peers of a rule without those in `gone`. */
function peersOf(
  peers: readonly ClusterPeer[],
  gone: readonly ClusterPeer[],
  podRanges: readonly Cidr[],
): PartPeers {
  const notPods = gone.flatMap((peer) => (peer.kind === "pods" ? [selectionOfPods(peer)] : []));
  const notNodes = gone.flatMap((peer) => (peer.kind === "nodes" ? [peer.nodes] : []));
  const outside = gone.flatMap((peer) => (peer.kind === "network" ? [peer.range] : []));
  const pods: (PodGroup | undefined)[] = [];
  const nodes: NodeGroup[] = [];
  const names: NameGroup[] = [];
  const ranges: Cidr[] = [];
  for (const peer of peers) {
    if (peer.kind === "pods") pods.push(narrowed(selectionOfPods(peer), { except: notPods, outside }));
    if (peer.kind === "nodes") nodes.push({ kind: "labels", nodes: peer.nodes, outside, notNodes });
    if (peer.kind === "network") ranges.push(peer.range);
    // No name has an address of a pod or a node.
    if (peer.kind === "name") names.push({ kind: "name", pattern: peer.pattern, outside });
  }
  const ofNetworks = ranges.map((range) => ({ range, except: outside }));
  nodes.push({ kind: "blocks", blocks: ofNetworks, notNodes, isListed: notPods.length > 0 });
  let blocks = ranges.flatMap((range) => remainder(range, outside));
  if (notPods.length > 0 && blocks.length > 0) {
    pods.push(narrowed(everyPod, { except: notPods, within: partsWithin(blocks, podRanges) }));
    blocks = blocks.flatMap((block) => remainder(block, podRanges));
  }
  return {
    pods: pods.filter((group) => group !== undefined),
    nodes: nodes.filter((group) => nodeGroupId(group) !== undefined),
    blocks,
    names,
    notNodes,
  };
}

/** Whether the two may have an address in common. */
const mayMeet = (some: readonly ClusterPeer[], others: readonly ClusterPeer[]): boolean =>
  some.some((one) =>
    others.some((other) => {
      if (one.kind === "network" && other.kind === "network") return overlaps(one.range, other.range);
      if (one.kind === "pods" && other.kind === "pods")
        return !areDisjoint(selectionOfPods(one), selectionOfPods(other));
      return one.kind === other.kind || one.kind === "network" || other.kind === "network";
    }),
  );

const isNobody = ({ pods, nodes, blocks, names }: PartPeers): boolean =>
  pods.length + nodes.length + blocks.length + names.length === 0;

const numbersOf = ({ ports }: ClusterRule): PortSet =>
  ports ? portSetOf(ports.flatMap((port) => ("name" in port ? [] : [port]))) : allPorts;

/** Each once. */
const portNamesOf = ({ ports = [] }: ClusterRule): readonly string[] => [
  ...new Set(ports.flatMap((port) => ("name" in port ? [port.name] : []))),
];

const isSame = (a: ClusterPolicy, b: ClusterPolicy): boolean => a.kind === b.kind && a.name === b.name;
