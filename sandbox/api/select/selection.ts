// Which objects of a kind a list, watch or deletecollection selects: by namespace, by name in the path, by selectors.

import type { Kind } from "../kinds/kind.ts";
import { type ObjectTest, parseFieldSelector } from "./fields.ts";
import { parseLabelSelector } from "./labels.ts";

export interface Selection {
  /** "" for all namespaces. */
  readonly namespace: string;
  readonly matches: ObjectTest;
  /** Whether selectors narrow it down beyond the namespace. */
  readonly narrowed: boolean;
}

export function selectionOf(kind: Kind, namespace: string, query: URLSearchParams): Selection {
  const labelSelector = query.get("labelSelector") ?? "";
  const fieldSelector = query.get("fieldSelector") ?? "";
  const byLabel = parseLabelSelector(labelSelector);
  const byField = parseFieldSelector(fieldSelector, kind);
  return {
    namespace,
    narrowed: labelSelector !== "" || fieldSelector !== "",
    matches: (object) =>
      (namespace === "" || object.metadata.namespace === namespace) &&
      byLabel(object.metadata.labels ?? {}) &&
      byField(object),
  };
}
