// Label selectors, as in NetworkPolicies and workloads (apimachinery, metav1.LabelSelector).

import { isRecord, list, oneOf, record, text, texts } from "./json.ts";
import type { LabelRequirement, LabelSelector } from "./objects.ts";

const operators = ["In", "NotIn", "Exists", "DoesNotExist"] as const;

/** Malformed requirements are left out, so that the rest selects more rather than less. */
export function labelSelectorOf(value: unknown): LabelSelector {
  const { matchLabels, matchExpressions } = record(value);
  const labels = Object.entries(record(matchLabels)).flatMap(([key, label]): LabelRequirement[] =>
    typeof label === "string" ? [{ key, operator: "In", values: [label] }] : [],
  );
  const expressions = list(matchExpressions).flatMap((expression): LabelRequirement[] => {
    if (!isRecord(expression)) return [];
    const key = text(expression.key);
    const operator = oneOf(operators, expression.operator);
    return key !== "" && operator ? [{ key, operator, values: texts(expression.values) }] : [];
  });
  return Object.freeze([...labels, ...expressions].map((requirement) => Object.freeze(requirement)));
}

/** What is malformed in a selector, for people; undefined when nothing is. */
export function selectorProblem(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) return "is not a label selector";
  for (const [key, label] of Object.entries(record(value.matchLabels)))
    if (typeof label !== "string") return `matchLabels has no text for ${key.slice(0, 60)}`;
  for (const expression of list(value.matchExpressions)) {
    const { key, operator, values } = record(expression);
    if (text(key) === "") return "a matchExpression has no key";
    const known = oneOf(operators, operator);
    if (!known) return `the operator for ${text(key).slice(0, 60)} is none of ${operators.join(", ")}`;
    const needsValues = known === "In" || known === "NotIn";
    if (needsValues && texts(values).length === 0)
      return `${known} for ${text(key).slice(0, 60)} has no values`;
  }
  return undefined;
}

export const selects = (selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean =>
  selector.every(({ key, operator, values }) => {
    const label = Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case "In":
        return label !== undefined && values.includes(label);
      case "NotIn":
        return label === undefined || !values.includes(label);
      case "Exists":
        return label !== undefined;
      case "DoesNotExist":
        return label === undefined;
    }
  });
