// What a namespace says about logging the packets that its policies drop and allow, and a policy of the whole cluster about its own:
// the annotation of ovn-kubernetes, `k8s.ovn.org/acl-logging: {"deny":"info","allow":"notice"}`. Hostile until parsed; what
// makes no sense logs nothing.

import { annotations } from "../model/names.ts";
import { isRecord, oneOf } from "./json.ts";
import type { ObjectMeta } from "./objects.ts";

/** As in ovn-nb(5), ACL. */
export const severities = ["alert", "warning", "notice", "info", "debug"] as const;
export type Severity = (typeof severities)[number];

/** With which severity packets are logged; undefined for those that are not. */
export interface AclLogging {
  readonly deny: Severity | undefined;
  readonly allow: Severity | undefined;
  /** Of what a policy of the whole cluster passes on; only there. */
  readonly pass: Severity | undefined;
  /** What in the annotation makes no sense, for people. */
  readonly problem: string | undefined;
}

const sides = ["deny", "allow", "pass"] as const;
const nothing: AclLogging = { deny: undefined, allow: undefined, pass: undefined, problem: undefined };
const longest = 60;

export function aclLoggingOf(object: Pick<ObjectMeta, "annotations"> | undefined): AclLogging {
  const annotation = object?.annotations[annotations.aclLogging];
  if (annotation === undefined || annotation === "") return nothing;
  const said = parsed(annotation);
  if (!isRecord(said))
    return { ...nothing, problem: `${JSON.stringify(annotation.slice(0, longest))} is not a JSON object` };
  const severityOf = (side: (typeof sides)[number]): Severity | undefined => oneOf(severities, said[side]);
  // ovn-kubernetes writes "" for a side that is not logged.
  const wrong = sides.find((side) => said[side] != null && said[side] !== "" && !severityOf(side));
  return {
    deny: severityOf("deny"),
    allow: severityOf("allow"),
    pass: severityOf("pass"),
    problem:
      wrong &&
      `${wrong}: ${JSON.stringify(said[wrong])?.slice(0, longest)} is none of ${severities.join(", ")}`,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
