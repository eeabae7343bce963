// Field selectors as in a query: `spec.nodeName=n1,status.phase!=Failed`. A kind's description lists its fields.

import type { Kind } from "../kinds/kind.ts";
import type { KubeObject } from "../objects.ts";
import { badRequest } from "../status.ts";

export type ObjectTest = (object: KubeObject) => boolean;

/** Throws BadRequest for a malformed selector, or for a field that the kind does not offer. */
export function parseFieldSelector(text: string, kind: Kind): ObjectTest {
  const tests = text
    .split(/(?<!\\),/)
    .filter(Boolean)
    .map((term) => parseTerm(term, kind));
  return (object) => tests.every((test) => test(object));
}

function parseTerm(term: string, kind: Kind): ObjectTest {
  const [, field = "", operator = "", raw = ""] = /^([^=!]+)(==|=|!=)(.*)$/.exec(term) ?? [];
  if (operator === "") throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
  const read = fieldReader(field, kind);
  const value = raw.replaceAll(/\\([\\,=])/g, "$1");
  return operator === "!=" ? (object) => read(object) !== value : (object) => read(object) === value;
}

function fieldReader(field: string, kind: Kind): (object: KubeObject) => string {
  if (field === "metadata.name") return (object) => object.metadata.name;
  if (field === "metadata.namespace" && kind.namespaced) return (object) => object.metadata.namespace ?? "";
  const read = Object.hasOwn(kind.selectableFields, field) ? kind.selectableFields[field] : undefined;
  if (!read) throw badRequest(`field label not supported: ${field}`);
  return read;
}
