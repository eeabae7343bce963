// LearnedName (weft.io/v1alpha1): the addresses that one domain name, or all names that one pattern matches, have had in
// answers of DNS, each with the time until which it counts. `weft resolver` writes it and the controller reads it; the status
// is the controller's, and says which generation of the object is in force.

import { hash } from "node:crypto";
import { domainPatternOf } from "../model/domainName.ts";
import { formatIp, parseIp } from "../model/ip.ts";
import { integer, record, text } from "./json.ts";
import type { ObjectMeta } from "./objects.ts";
import { metaOf, type Projection } from "./project.ts";

export interface LearnedName extends ObjectMeta {
  readonly kind: "LearnedName";
  /** `www.example.com` or `*.example.com`. */
  readonly pattern: string;
  /** Address in canonical form ▶ what is known of it. */
  readonly addresses: ReadonlyMap<string, LearnedAddress>;
  /** Counts what has been written of its `spec`. */
  readonly generation: number;
  /** The last generation that is in force; 0 when none is. */
  readonly inForce: number;
}

export interface LearnedAddress {
  /** The name that was asked for. */
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly untilMs: number;
}

/** A pattern has characters that names of objects must not have. */
export const learnedObjectName = (pattern: string): string =>
  `${pattern.startsWith("*") ? "below" : "name"}-${hash("sha256", pattern, "hex").slice(0, 16)}`;

export const learnedNameOf: Projection<LearnedName> = (object, intern) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const { spec: rawSpec, status, metadata } = record(object);
  const spec = record(rawSpec);
  const pattern = domainPatternOf(text(spec.pattern));
  // Whoever gave the object another pattern's name would have what is learnt for that one taken for this one.
  if (pattern === undefined || meta.name !== learnedObjectName(pattern)) return undefined;
  return Object.freeze({
    kind: "LearnedName",
    ...meta,
    pattern,
    addresses: new Map(
      Object.entries(record(spec.addresses)).flatMap(([key, value]) => {
        const ip = parseIp(key);
        const untilMs = Date.parse(text(record(value).until));
        return ip && Number.isFinite(untilMs)
          ? [[formatIp(ip), { name: text(record(value).name), untilMs }] as const]
          : [];
      }),
    ),
    generation: integer(record(metadata).generation, 0, Number.MAX_SAFE_INTEGER) ?? 0,
    inForce: integer(record(status).observedGeneration, 0, Number.MAX_SAFE_INTEGER) ?? 0,
  });
};
