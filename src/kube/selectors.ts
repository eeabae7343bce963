// Which objects of a kind a watch is about. The API server applies the selectors to lists and watches; a single object
// that was asked for by name is checked here, because another object may have the name by now.

import type { Query } from "./client.ts";
import { record } from "./json.ts";

export interface Selectors {
  /** One field and its value: `spec.nodeName=n1`. */
  readonly fieldSelector?: string;
  /** Only objects with these labels. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The selectors as the API's parameters. */
export function selectorQuery({ fieldSelector, labels = {} }: Selectors): Query {
  const labelSelector = Object.entries(labels).map((entry) => entry.join("="));
  return { fieldSelector, labelSelector: labelSelector.length > 0 ? labelSelector.join() : undefined };
}

/** Whether the selectors select `raw`, an object as the API sent it. */
export function isSelected(raw: unknown, { fieldSelector, labels: wanted = {} }: Selectors): boolean {
  const labels = record(record(record(raw).metadata).labels);
  return (
    Object.entries(wanted).every(([key, value]) => labels[key] === value) &&
    (fieldSelector === undefined || hasField(raw, fieldSelector))
  );
}

function hasField(raw: unknown, selector: string): boolean {
  const [path = "", value] = selector.split("=");
  let found: unknown = raw;
  for (const word of path.split(".")) found = record(found)[word];
  return found === value;
}
