// The columns of an ACL that turn on logging, and the meter that limits it: ovn-controller has to handle each logged
// packet (ovn-nb(5), ACL and Meter). One meter for each namespace, and for each policy of the whole cluster, so that a
// noisy one leaves the others theirs.

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

/** States the columns even when nothing is logged, because something may have been logged before. */
export const logged = (meter: string, severity: Severity | undefined) =>
  severity === undefined ? { log: false } : { log: true, severity, meter };
