// Checks that many kinds share. An absent value passes; the caller decides whether it may be absent.

import { type Family, parseIp } from "../../../src/model/ip.ts";
import type { Causes } from "../causes.ts";
import { type Json, objectAt, textAt, textMapAt } from "../json.ts";
import { isLabelValue, isQualifiedName } from "./names.ts";

export function checkOneOf(
  causes: Causes,
  field: string,
  value: Json | undefined,
  supported: readonly string[],
): void {
  if (value !== undefined && !(typeof value === "string" && supported.includes(value)))
    causes.notSupported(field, value, supported);
}

export function checkText(
  causes: Causes,
  field: string,
  value: string,
  rule: (text: string) => string,
): void {
  const wrong = value === "" ? "" : rule(value);
  if (wrong !== "") causes.invalid(field, value, wrong);
}

export function checkPort(causes: Causes, field: string, value: Json | undefined): void {
  if (typeof value === "number" && (value < 1 || value > 65535))
    causes.invalid(field, value, "must be between 1 and 65535, inclusive");
}

/** A port number or the name of one (IANA_SVC_NAME), such as a probe's or a Service's target. */
export function checkPortOrName(causes: Causes, field: string, value: Json | undefined): void {
  if (typeof value === "string") checkText(causes, field, value, isPortName);
  else checkPort(causes, field, value);
}

export function checkNotNegative(causes: Causes, field: string, value: Json | undefined): void {
  if (typeof value === "number" && value < 0)
    causes.invalid(field, value, "must be greater than or equal to 0");
}

export function checkPositive(causes: Causes, field: string, value: Json | undefined): void {
  if (typeof value === "number" && value <= 0) causes.invalid(field, value, "must be greater than zero");
}

export function checkIp(causes: Causes, field: string, value: string, family?: Family): void {
  const ip = parseIp(value);
  if (!ip) causes.invalid(field, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  else if (family !== undefined && ip.family !== family)
    causes.invalid(field, value, `must be an IPv${family} address`);
}

/** A port's name: at most 15 lower case letters, digits and single dashes, with a letter (RFC 6335, section 5.1). */
export function isPortName(text: string): string {
  if (text.length > 15) return "must be no more than 15 characters";
  if (!/^[-a-z0-9]+$/.test(text))
    return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
  if (!/[a-z]/.test(text)) return "must contain at least one letter (a-z)";
  if (text.includes("--")) return "must not contain consecutive hyphens";
  return /^-|-$/.test(text) ? "must not begin or end with a hyphen" : "";
}

export function checkLabels(causes: Causes, field: string, labels: Json | undefined): void {
  for (const [key, value] of Object.entries(textMapAt(labels))) {
    const wrongKey = isQualifiedName(key);
    if (wrongKey) causes.invalid(field, key, wrongKey);
    const wrongValue = isLabelValue(value);
    if (wrongValue) causes.invalid(field, value, wrongValue);
  }
}

/** A workload needs a selector, and the selector must match the labels of its template. */
export function checkWorkloadSelector(causes: Causes, spec: Json | undefined): void {
  const matchLabels = objectAt(spec, "selector", "matchLabels");
  const empty =
    Object.keys(matchLabels).length === 0 && objectAt(spec, "selector")["matchExpressions"] === undefined;
  const labels = objectAt(spec, "template", "metadata", "labels");
  checkLabels(causes, "spec.selector.matchLabels", matchLabels);
  checkLabels(causes, "spec.template.metadata.labels", labels);
  if (empty) causes.required("spec.selector");
  else if (Object.keys(matchLabels).some((key) => textAt(labels, key) !== textAt(matchLabels, key)))
    causes.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
}
