// What objects ask for in vain because of the cluster's mode. The leader writes the mode on the controllers' Lease, so that
// `weft status` counts the same objects that the leader reports by Events.

import { type Cidr, formatCidr, parseCidr } from "../model/ip.ts";
import type { KubeObject } from "./kinds.ts";
import { unservedInOverlay } from "./unservedInOverlay.ts";
import { unservedInUnderlay } from "./unservedInUnderlay.ts";

export type ClusterMode =
  /** `services`: the configured ranges. */
  { readonly kind: "overlay"; readonly services: readonly Cidr[] } | { readonly kind: "underlay" };

export const unservedInMode = (mode: ClusterMode): ((object: KubeObject) => readonly string[]) =>
  mode.kind === "underlay" ? unservedInUnderlay : unservedInOverlay(mode.services);

/** `underlay`, or `overlay 10.96.0.0/16 fd00:10:96::/112`. */
export const modeText = (mode: ClusterMode): string =>
  [mode.kind, ...(mode.kind === "overlay" ? mode.services.map(formatCidr) : [])].join(" ");

/** Undefined when the text says nothing of a mode, as that of an earlier release. */
export function modeIn(text: string): ClusterMode | undefined {
  const [kind, ...ranges] = text.split(" ");
  if (kind === "underlay") return { kind };
  return kind === "overlay"
    ? { kind, services: ranges.flatMap((range) => parseCidr(range) ?? []) }
    : undefined;
}
