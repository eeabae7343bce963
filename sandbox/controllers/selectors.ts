// Whether labels match the plain map of a selector: that of a Service or a workload. Pure.

import { labelSelectorOf, selects } from "../../src/kube/labelSelector.ts";

export type Labels = Readonly<Record<string, string>>;

export const matchesLabels = (wanted: Labels, labels: Labels): boolean =>
  selects(labelSelectorOf({ matchLabels: wanted }), labels);
