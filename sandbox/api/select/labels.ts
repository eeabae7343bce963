// Label selectors as in a query: `a=b,c!=d,e in (x,y),f notin (z),g,!h`.

import { badRequest } from "../status.ts";
import { isLabelValue, isQualifiedName } from "../validate/names.ts";

export type Labels = Readonly<Record<string, string>>;
export type LabelTest = (labels: Labels) => boolean;

/** Throws BadRequest for a malformed selector. An empty one selects everything. */
export function parseLabelSelector(text: string): LabelTest {
  const tests = splitOutsideParentheses(text).map(parseRequirement);
  return (labels) => tests.every((test) => test(labels));
}

const splitOutsideParentheses = (text: string): readonly string[] =>
  text.trim() === "" ? [] : text.split(/,(?![^(]*\))/).map((part) => part.trim());

function parseRequirement(text: string): LabelTest {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set) {
    const [, key = "", operator, list = ""] = set;
    const values = new Set(list.split(",").map((value) => value.trim()));
    check(text, key, ...values);
    return operator === "in"
      ? (labels) => values.has(valueOf(labels, key) ?? "\0")
      : (labels) => !values.has(valueOf(labels, key) ?? "\0");
  }
  const equality = /^([^=!\s]+)\s*(=|==|!=)\s*([^=!\s]*)$/.exec(text);
  if (equality) {
    const [, key = "", operator, value = ""] = equality;
    check(text, key, value);
    return operator === "!="
      ? (labels) => valueOf(labels, key) !== value
      : (labels) => valueOf(labels, key) === value;
  }
  const [, not = "", key = ""] = /^(!?)\s*([^=!\s,()]+)$/.exec(text) ?? [];
  check(text, key);
  return (labels) => (valueOf(labels, key) !== undefined) === (not === "");
}

function check(requirement: string, key: string, ...values: readonly string[]): void {
  const wrong = isQualifiedName(key) || values.map(isLabelValue).find(Boolean);
  if (wrong) throw badRequest(`unable to parse requirement: ${JSON.stringify(requirement)}: ${wrong}`);
}

const valueOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;
