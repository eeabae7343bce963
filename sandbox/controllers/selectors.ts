// Label selectors, both forms: a Service's plain map, and the LabelSelector of workloads. Pure.

import { labelSelectorOf, selects } from "../../src/kube/labelSelector.ts";
import type { LabelSelector } from "../client/objects.ts";

export type Labels = Readonly<Record<string, string>>;

export const matchesLabels = (wanted: Labels, labels: Labels): boolean =>
  selects(labelSelectorOf({ matchLabels: wanted }), labels);

/** An empty selector matches everything, as in the API. */
export const matchesSelector = (selector: LabelSelector, labels: Labels): boolean =>
  selects(labelSelectorOf(selector), labels);
