// A selection is a value: the pods that a policy, or anything else that speaks of groups of pods, selects. Two that are
// written differently but mean the same have the same `key`, and are one selection to all their users.

import { selects } from "../kube/labelSelector.ts";
import type { LabelRequirement, LabelSelector } from "../kube/objects.ts";
import { type Cidr, contains, formatCidr, type Ip } from "../model/ip.ts";

export type Labels = Readonly<Record<string, string>>;

/** Which namespaces a selection looks for pods in. */
export type NamespaceScope =
  | { readonly kind: "all" }
  | { readonly kind: "one"; readonly name: string }
  | { readonly kind: "matching"; readonly selector: LabelSelector };

/** Pods by their labels. */
export interface LabelSelection {
  readonly kind: "labels";
  readonly key: string;
  readonly namespaces: NamespaceScope;
  readonly pods: LabelSelector;
}

/** Places with an address in `range` and in none of `except`, whatever their pods' namespaces and labels. */
export interface RangeSelection {
  readonly kind: "range";
  readonly key: string;
  readonly range: Cidr;
  readonly except: readonly Cidr[];
}

export type Selection = LabelSelection | RangeSelection;

export const allNamespaces: NamespaceScope = { kind: "all" };

export const oneNamespace = (name: string): NamespaceScope => ({ kind: "one", name });

/** An empty selector selects all namespaces, even one that has pods but is not known itself yet. */
export function namespacesMatching(selector: LabelSelector): NamespaceScope {
  const canonical = canonicalSelector(selector);
  return canonical.length === 0 ? allNamespaces : { kind: "matching", selector: canonical };
}

export function labelSelection(namespaces: NamespaceScope, pods: LabelSelector): LabelSelection {
  const canonical = canonicalSelector(pods);
  return {
    kind: "labels",
    key: `pods ${textOf(canonical)} in ${scopeKey(namespaces)}`,
    namespaces,
    pods: canonical,
  };
}

export function rangeSelection(range: Cidr, except: readonly Cidr[]): RangeSelection {
  const exceptions = new Map(except.map((cidr) => [formatCidr(cidr), cidr]));
  const texts = [...exceptions.keys()].sort();
  return {
    kind: "range",
    key: [`addresses ${formatCidr(range)}`, ...texts].join(" except "),
    range,
    except: texts.flatMap((text) => exceptions.get(text) ?? []),
  };
}

export const scopeKey = (namespaces: NamespaceScope): string => {
  switch (namespaces.kind) {
    case "all":
      return "all namespaces";
    case "one":
      return `namespace ${namespaces.name}`;
    case "matching":
      return `namespaces ${textOf(namespaces.selector)}`;
  }
};

/** Whether the selection includes a place with these addresses, of a pod with these labels in a namespace that it covers. */
export const matches = (selection: Selection, labels: Labels, addresses: readonly Ip[]): boolean =>
  selection.kind === "labels"
    ? selects(selection.pods, labels)
    : addresses.some((ip) => isInRange(selection, ip));

export const isInRange = ({ range, except }: RangeSelection, ip: Ip): boolean =>
  contains(range, ip) && !except.some((cidr) => contains(cidr, ip));

/** What decides whether a label selection includes a pod. */
export interface SeenPod {
  readonly namespace: string;
  readonly labels: Labels;
  /** Undefined while the Namespace is unknown; then no selector matches it. */
  readonly namespaceLabels: Labels | undefined;
}

export function hasPod(selection: Selection, { namespace, labels, namespaceLabels }: SeenPod): boolean {
  if (selection.kind !== "labels" || !selects(selection.pods, labels)) return false;
  const { namespaces } = selection;
  if (namespaces.kind === "one") return namespaces.name === namespace;
  return (
    namespaces.kind === "all" ||
    (namespaceLabels !== undefined && selects(namespaces.selector, namespaceLabels))
  );
}

/** Whether it is certain that `a` includes all places of `b`. It may do so for other reasons, which nobody looks for. */
export function covers(a: Selection, b: Selection): boolean {
  if (a.key === b.key) return true;
  if (a.kind !== "labels" || b.kind !== "labels" || !isPartOf(a.pods, b.pods)) return false;
  if (a.namespaces.kind === "matching" && b.namespaces.kind === "matching")
    return isPartOf(a.namespaces.selector, b.namespaces.selector);
  return a.namespaces.kind === "all" || scopeKey(a.namespaces) === scopeKey(b.namespaces);
}

/** Whether it is certain that no place is in both. */
export function areDisjoint(a: Selection, b: Selection): boolean {
  if (a.kind !== "labels" || b.kind !== "labels") return false;
  if (contradict(a.pods, b.pods)) return true;
  const [one, other] = [a.namespaces, b.namespaces];
  if (one.kind === "one" && other.kind === "one") return one.name !== other.name;
  return one.kind === "matching" && other.kind === "matching" && contradict(one.selector, other.selector);
}

/** Whether no labels can match both. */
const contradict = (a: LabelSelector, b: LabelSelector): boolean =>
  a.some((one) => b.some((other) => isContradiction(one, other) || isContradiction(other, one)));

function isContradiction(a: LabelRequirement, b: LabelRequirement): boolean {
  if (a.key !== b.key) return false;
  if (b.operator === "DoesNotExist") return a.operator === "In" || a.operator === "Exists";
  if (a.operator !== "In") return false;
  if (b.operator === "In") return !a.values.some((value) => b.values.includes(value));
  return b.operator === "NotIn" && a.values.every((value) => b.values.includes(value));
}

/** Both canonical. */
function isPartOf(few: LabelSelector, many: LabelSelector): boolean {
  const texts = new Set(many.map((requirement) => textOf([requirement])));
  return few.every((requirement) => texts.has(textOf([requirement])));
}

/** The same requirements without duplicates, in an order that does not depend on how they were written. */
function canonicalSelector(selector: LabelSelector): LabelSelector {
  const byText = new Map<string, LabelRequirement>();
  for (const { key, operator, values } of selector) {
    // NotIn without values always holds.
    if (operator === "NotIn" && values.length === 0) continue;
    const hasValues = operator === "In" || operator === "NotIn";
    const canonical = { key, operator, values: hasValues ? [...new Set(values)].sort() : [] };
    byText.set(JSON.stringify([key, operator, ...canonical.values]), canonical);
  }
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, requirement]) => requirement);
}

/** As JSON: anybody can write labels, and no two selectors may share a text. */
const textOf = (selector: LabelSelector): string =>
  JSON.stringify(selector.map(({ key, operator, values }) => [key, operator, ...values]));

/** All pods. */
export const everyPod: LabelSelection = labelSelection(allNamespaces, []);
