// The Lease object as leader election reads and writes it: coordination.k8s.io/v1, with the same meaning of its
// fields as in client-go, so that `kubectl get lease` tells the truth and other electors could take part.

import { integer, type Json, record, text } from "./json.ts";

export interface LeaseRecord {
  /** "" when nobody holds it. */
  readonly holder: string;
  readonly durationMs: number | undefined;
  /** Compared only for change, because clocks of different machines cannot be compared. */
  readonly renewTime: string;
  /** How often the lease has changed hands. */
  readonly transitions: number;
  /** The whole object; fields not named here are kept. */
  readonly object: Json;
}

export function leaseRecordOf(object: unknown): LeaseRecord {
  const spec = record(record(object).spec);
  const seconds = integer(spec.leaseDurationSeconds, 1, 86_400);
  return {
    holder: text(spec.holderIdentity),
    durationMs: seconds === undefined ? undefined : seconds * 1000,
    renewTime: text(spec.renewTime),
    transitions: integer(spec.leaseTransitions, 0, Number.MAX_SAFE_INTEGER) ?? 0,
    object: record(object),
  };
}

export interface Claim {
  readonly holder: string;
  readonly durationMs: number;
  /** By the wall clock, like the times on the object. Others may read it but must not compute with it. */
  readonly wallMs: number;
  /** What the holder says about itself on the object; undefined removes an annotation. */
  readonly annotations?: Annotations;
}

export type Annotations = Readonly<Record<string, string | undefined>>;

export const newLease = (namespace: string, name: string, claim: Claim): Json => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { namespace, name },
  spec: specOf(claim, { acquireTime: microTime(claim.wallMs), leaseTransitions: 0 }),
});

/**
 * The lease taken over from its previous holder. Keeps the resourceVersion, so that only one of two takers succeeds.
 */
export const takenLease = (from: LeaseRecord, claim: Claim): Json =>
  withSpec(from, claim, {
    acquireTime: microTime(claim.wallMs),
    leaseTransitions: from.transitions + (from.holder === claim.holder ? 0 : 1),
  });

export const renewedLease = (from: LeaseRecord, claim: Claim): Json => withSpec(from, claim, {});

/** A lease without a holder, free to be taken at once. */
export const releasedLease = (from: LeaseRecord, wallMs: number): Json =>
  withSpec(from, { holder: "", durationMs: 1000, wallMs }, {});

const withSpec = (from: LeaseRecord, claim: Claim, more: Json): Json => ({
  ...from.object,
  metadata: { ...record(from.object.metadata), annotations: annotationsOf(from, claim) },
  spec: { ...record(from.object.spec), ...specOf(claim, more) },
});

const annotationsOf = ({ object }: LeaseRecord, { annotations = {} }: Claim): Json => ({
  ...record(record(object.metadata).annotations),
  ...annotations,
});

const specOf = (claim: Claim, more: Json): Json => ({
  holderIdentity: claim.holder,
  leaseDurationSeconds: Math.ceil(claim.durationMs / 1000),
  renewTime: microTime(claim.wallMs),
  ...more,
});

/** metav1.MicroTime: always six digits of a second. */
export const microTime = (ms: number): string => new Date(ms).toISOString().replace("Z", "000Z");
