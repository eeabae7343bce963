// What Weft's accounts asked of the API server during a run, by its audit log: nothing may have been refused, and what an
// account may do but did not is named. Pure: the log in, rows out.

import * as v from "valibot";
import { type Right, type Role, rightsOf } from "../../../src/check/rights.ts";
import { accountOf } from "../install/audit.ts";
import type { Row } from "./verdict.ts";

/** An entry of the log (audit.k8s.io/v1 Event), as far as it says who asked for what, and whether RBAC allowed it. */
const entrySchema = v.object({
  verb: v.string(),
  requestURI: v.string(),
  user: v.object({ username: v.string() }),
  objectRef: v.optional(
    v.object({
      apiGroup: v.optional(v.string(), ""),
      resource: v.optional(v.string(), ""),
      subresource: v.optional(v.string(), ""),
    }),
  ),
  annotations: v.optional(v.record(v.string(), v.string()), {}),
});

export interface Use {
  readonly row: Row;
  /** Rights that were not used, as `get nodes`. */
  readonly unused: readonly string[];
}

/** For the account of each role, what `log` (one JSON object a line) says of it. An account that asked for nothing has failed. */
export function usesOf(log: string, roles: readonly Role[]): readonly Use[] {
  const entries = log
    .split("\n")
    .filter(Boolean)
    .map((line) => v.parse(entrySchema, JSON.parse(line)));
  return roles.map((role): Use => {
    const own = entries.filter(({ user }) => user.username === accountOf[role]);
    const refused = own.filter(
      ({ annotations }) => annotations["authorization.k8s.io/decision"] === "forbid",
    );
    const used = new Set(own.map(rightUsed));
    const unused = rightsOf(role, "").flatMap((right) => rightLines(right).filter((each) => !used.has(each)));
    const reason =
      own.length === 0
        ? `${accountOf[role]} has asked for nothing`
        : `refused: ${[...new Set(refused.map(rightUsed))].toSorted().join(", ")}`;
    const isGood = own.length > 0 && refused.length === 0;
    return {
      row: {
        name: `rights of the ${role}`,
        group: "rights, by the audit log",
        outcome: isGood ? "passed" : "failed",
        reason: isGood ? "" : reason,
        seconds: 0,
      },
      unused,
    };
  });
}

const rightUsed = ({ verb, requestURI, objectRef }: v.InferOutput<typeof entrySchema>): string =>
  objectRef === undefined
    ? `${verb} ${requestURI}`
    : `${verb} ${nameOf(objectRef.apiGroup, objectRef.resource, objectRef.subresource)}`;

const rightLines = ({ group, resource, subresource = "", verbs }: Right): readonly string[] =>
  verbs.map((verb) => `${verb} ${nameOf(group, resource, subresource)}`);

const nameOf = (group: string, resource: string, subresource: string): string =>
  `${resource}${group && `.${group}`}${subresource && `/${subresource}`}`;
