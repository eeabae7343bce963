// What of an ACL says that its packets are logged, and the meter that limits how many: each is one more that ovn-controller
// has to look at (ovn-nb(5), ACL and Meter). One meter for each namespace, and for each policy of the whole cluster, so that
// a noisy one leaves the others theirs.

import type { Severity } from "../kube/aclLogging.ts";
import type { Fact } from "../model/fact.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { FactList } from "./facts.ts";

/** Packets a second on each chassis, as ovn-kubernetes has it by default. */
const rate = 20;

export function loggingFacts(scope: Scope, owner: Owner, name: string): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const band = facts.row("Meter_Band", name, { action: "drop", rate });
  facts.row("Meter", name, { name, unit: "pktps", bands: [band] });
  return facts.facts;
}

/** That nothing is logged is stated too: it may have been before. */
export const logged = (meter: string, severity: Severity | undefined) =>
  severity === undefined ? { log: false } : { log: true, severity, meter };
