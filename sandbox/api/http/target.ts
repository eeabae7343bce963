// What a path under /api or /apis means: a kind, perhaps a namespace, an object and one of its subresources.

import { type Kind, type Subresource } from "../kinds/kind.ts";
import { namespaces } from "../kinds/namespace.ts";
import type { KindRegistry } from "../kinds/registry.ts";
import { noSuchPath } from "../status.ts";

export interface Target {
  readonly kind: Kind;
  /** "" for cluster-scoped kinds and for a list over all namespaces. */
  readonly namespace: string;
  /** "" for the collection. */
  readonly name: string;
  readonly subresource: Subresource | "";
}

/** Throws NotFound for a path that leads nowhere. */
export function targetOf(path: string, kinds: KindRegistry): Target {
  const [root = "", ...segments] = path.slice(1).split("/").map(decode);
  const group = root === "apis" ? (segments.shift() ?? "") : "";
  const version = segments.shift() ?? "";
  if (root !== "api" && root !== "apis") throw noSuchPath();
  const scoped = segments[0] === "namespaces" && segments.length > 2 && !isOwnSubresource(segments[2]);
  const namespace = scoped ? (segments[1] ?? "") : "";
  const [plural, name = "", subresource = "", ...more] = scoped ? segments.slice(2) : segments;
  const kind = kinds.at(group, version, plural ?? "");
  if (!kind || more.length > 0 || (scoped && !kind.namespaced)) throw noSuchPath();
  if (name !== "" && kind.namespaced && namespace === "") throw noSuchPath();
  const known = kind.subresources.find((one) => one === subresource);
  if (subresource !== "" && !known) throw noSuchPath();
  return { kind, namespace, name, subresource: known ?? "" };
}

const isOwnSubresource = (segment: string | undefined): boolean =>
  namespaces.subresources.some((subresource) => subresource === segment);

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    if (error instanceof URIError) throw noSuchPath();
    throw error;
  }
}
