// FloatingAddress (weft.io/v1alpha1): an address from outside that one pod has, for what comes in and for what it sends. A spec
// asks, and the status says what the controller has given. Users write specs alone, because the kind has the status as a
// subresource.

import { formatIp, parseIp } from "../model/ip.ts";
import { annotations } from "../model/names.ts";
import { isRecord, type Json, list, record, text, texts } from "./json.ts";
import { labelSelectorOf, selectorProblem } from "./labelSelector.ts";
import { isObjectName } from "./objectName.ts";
import type { LabelSelector, ObjectMeta } from "./objects.ts";
import { metaOf, type Projection } from "./project.ts";

export interface FloatingAddress extends ObjectMeta, FloatingWish {
  readonly kind: "FloatingAddress";
  /** The pod that must have it; one of this and `podSelector`. */
  readonly podName?: string;
  readonly podSelector?: LabelSelector;
  /** What of the spec makes no sense, for people, and what to do. */
  readonly malformed?: string;
  /** The UID of the pod whose annotation asks for it: the controller has made the object. */
  readonly madeFor?: string;
  readonly given: GivenAddress;
}

/** Which addresses are wanted. */
export interface FloatingWish {
  /** Absent: any pool that may be chosen. */
  readonly pool?: string;
  /** In canonical form; empty: one of each family that pools have. */
  readonly wanted: readonly string[];
}

/** The status. */
export interface GivenAddress {
  /** In canonical form. */
  readonly ips: readonly string[];
  readonly podName?: string;
  readonly podUid?: string;
  readonly nodeName?: string;
  readonly ready?: ReadyCondition;
}

export interface ReadyCondition {
  readonly status: "True" | "False";
  /** CamelCase, for machines. */
  readonly reason: string;
  readonly message: string;
  /** When the status became what it is. */
  readonly since: string;
}

/** The type of the condition. */
export const readyCondition = "Ready";

export const floatingAddressOf: Projection<FloatingAddress> = (object, intern) => {
  const meta = metaOf(object, intern);
  if (!meta) return undefined;
  const { spec: rawSpec, status, metadata } = record(object);
  const spec = record(rawSpec);
  const [pool, podName] = [text(spec.addressPool), text(spec.podName)];
  const asked = texts(spec.addresses);
  const malformed = problemOf(spec, asked);
  const madeFor = list(record(metadata).ownerReferences)
    .map(record)
    .find(({ kind, controller }) => kind === "Pod" && controller === true);
  return Object.freeze({
    kind: "FloatingAddress",
    ...meta,
    ...(podName !== "" && { podName }),
    ...(isRecord(spec.podSelector) && { podSelector: labelSelectorOf(spec.podSelector) }),
    ...(pool !== "" && { pool }),
    wanted: canonical(asked),
    ...(malformed !== undefined && { malformed }),
    ...(madeFor && { madeFor: text(madeFor.uid) }),
    given: givenOf(record(status)),
  });
};

/** The value of the annotation on a pod for any free addresses of a pool. */
export const anyAddress = "any";

/**
 * What the annotations of a pod say: `any`, or addresses with a comma between, and the pool. It has to be what an object that is
 * made of it shows later: otherwise the object would be made anew for ever.
 */
export function wishIn(value: string, pool: string = ""): FloatingWish & { readonly malformed?: string } {
  const asked = value.trim() === anyAddress ? [] : value.split(",").map((part) => part.trim());
  const name = pool.trim();
  const problem = addressProblem(asked);
  const malformed =
    problem !== undefined
      ? `${annotations.floatingAddress}: ${problem}, or ${anyAddress}`
      : name !== "" && !isObjectName(name)
        ? `${annotations.addressPool}: ${JSON.stringify(name.slice(0, 60))} is no name of an IPAddressPool`
        : undefined;
  return {
    ...(name !== "" && { pool: name }),
    wanted: canonical(asked),
    ...(malformed !== undefined && { malformed }),
  };
}

function problemOf(spec: Json, asked: readonly string[]): string | undefined {
  const [hasName, hasSelector] = [text(spec.podName) !== "", isRecord(spec.podSelector)];
  if (hasName === hasSelector)
    return hasName
      ? "it has both spec.podName and spec.podSelector: keep one of them"
      : "it names no pod: write spec.podName or spec.podSelector";
  const problem = selectorProblem(spec.podSelector);
  return problem === undefined ? addressProblem(asked) : `spec.podSelector: ${problem}`;
}

function addressProblem(asked: readonly string[]): string | undefined {
  const ips = asked.map(parseIp);
  const stray = asked.find((_, at) => ips[at] === undefined);
  if (stray !== undefined)
    return `${JSON.stringify(stray.slice(0, 60))} is no address: write 192.0.2.10 or 2001:db8::10`;
  const families = new Set(ips.map((ip) => ip?.family));
  return families.size < ips.length
    ? "it asks for two addresses of one family: ask for one of each"
    : undefined;
}

function givenOf(status: Json): GivenAddress {
  const [podName, podUid, nodeName] = [text(status.podName), text(status.podUID), text(status.nodeName)];
  const found = list(status.conditions)
    .map(record)
    .find(({ type }) => type === readyCondition);
  return Object.freeze({
    ips: canonical(texts(status.addresses)),
    ...(podName !== "" && { podName }),
    ...(podUid !== "" && { podUid }),
    ...(nodeName !== "" && { nodeName }),
    ...(found && {
      ready: Object.freeze({
        status: found.status === "True" ? "True" : "False",
        reason: text(found.reason),
        message: text(found.message),
        since: text(found.lastTransitionTime),
      }),
    }),
  });
}

const canonical = (values: readonly string[]): readonly string[] =>
  Object.freeze(
    values.flatMap((value) => {
      const ip = parseIp(value);
      return ip ? [formatIp(ip)] : [];
    }),
  );
