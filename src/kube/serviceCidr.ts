// ServiceCIDR (networking.k8s.io/v1, Kubernetes 1.33): a range that Services may get their addresses from, besides the one that
// the API server was started with.

import { type Cidr, parseCidr } from "../model/ip.ts";
import { list, record } from "./json.ts";
import type { ObjectMeta } from "./objects.ts";
import { metaOf, type Projection } from "./project.ts";

export interface ServiceCidr extends ObjectMeta {
  readonly kind: "ServiceCIDR";
  /** One or two, of different families. */
  readonly cidrs: readonly Cidr[];
}

export const serviceCidrOf: Projection<ServiceCidr> = (object, intern) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const cidrs = list(record(record(object).spec).cidrs).flatMap((text) =>
    typeof text === "string" ? (parseCidr(text) ?? []) : [],
  );
  return Object.freeze({ kind: "ServiceCIDR", ...meta, cidrs: Object.freeze(cidrs) });
};
