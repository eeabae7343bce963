// IPAddressPool (weft.io/v1alpha1): addresses for Services of type LoadBalancer. Its fields are those of MetalLB's kind of the
// same name (metallb.io/v1beta1).

import { type IpRange, parseRange } from "../model/ipRange.ts";
import { integer, isRecord, list, record, texts } from "./json.ts";
import { labelSelectorOf, selectorProblem } from "./labelSelector.ts";
import type { LabelSelector, ObjectMeta } from "./objects.ts";
import { metaOf, type Projection } from "./project.ts";

export interface AddressPool extends ObjectMeta {
  readonly kind: "IPAddressPool";
  readonly ranges: readonly IpRange[];
  /** The texts among `spec.addresses` that make no sense. */
  readonly malformed: readonly string[];
  /** What is wrong with a selector, for people: without it the pool would serve more than it says. */
  readonly selectorProblem?: string;
  /** Otherwise only for Services that ask for it by name, or for one of its addresses. */
  readonly autoAssign: boolean;
  /** Lower ones come first, and 0 last. */
  readonly priority: number;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** One of them must select the Service; empty: all are served. */
  readonly serviceSelectors: readonly LabelSelector[];
  /** Nodes answer for its addresses on their own network; absent: a router outside has routes to the nodes. */
  readonly l2?: { readonly nodeSelectors: readonly LabelSelector[] };
}

export const addressPoolOf: Projection<AddressPool> = (object, intern) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const spec = record(record(object).spec);
  const allocation = record(spec.serviceAllocation);
  const read = texts(spec.addresses).map((text) => [text, parseRange(text)] as const);
  const problem = firstProblem({
    "spec.serviceAllocation.serviceSelectors": allocation.serviceSelectors,
    "spec.l2Advertisement.nodeSelectors": record(spec.l2Advertisement).nodeSelectors,
  });
  return Object.freeze({
    kind: "IPAddressPool",
    ...meta,
    ranges: Object.freeze(read.flatMap(([, range]) => range ?? [])),
    malformed: Object.freeze(read.flatMap(([text, range]) => (range ? [] : [text]))),
    ...(problem !== undefined && { selectorProblem: problem }),
    autoAssign: spec.autoAssign !== false,
    priority: integer(allocation.priority, 0, 1_000_000) ?? 0,
    namespaces: Object.freeze(texts(allocation.namespaces)),
    serviceSelectors: Object.freeze(list(allocation.serviceSelectors).map(labelSelectorOf)),
    ...(isRecord(spec.l2Advertisement) && {
      l2: Object.freeze({
        nodeSelectors: Object.freeze(list(spec.l2Advertisement.nodeSelectors).map(labelSelectorOf)),
      }),
    }),
  });
};

const firstProblem = (selectors: Readonly<Record<string, unknown>>): string | undefined =>
  Object.entries(selectors)
    .flatMap(([path, all]) =>
      list(all).map((one, nth) => {
        const problem = selectorProblem(one);
        return problem === undefined ? undefined : `${path}[${nth}]: ${problem}`;
      }),
    )
    .find((problem) => problem !== undefined);
