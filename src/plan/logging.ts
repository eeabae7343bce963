// The meter that limits how many packets of a namespace are logged: each is one more that ovn-controller has to look at
// (ovn-nb(5), ACL and Meter). One for each namespace, so that a noisy one leaves the others theirs.

import type { Fact } from "../model/fact.ts";
import type { Owner } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { FactList } from "./facts.ts";

/** Packets a second on each chassis, as ovn-kubernetes has it by default. */
const rate = 20;

export function loggingFacts(scope: Scope, owner: Owner, namespace: string): readonly Fact[] {
  const facts = new FactList(scope, owner);
  const name = scope.names.logMeter(namespace);
  const band = facts.row("Meter_Band", name, { action: "drop", rate });
  facts.row("Meter", name, { name, unit: "pktps", bands: [band] });
  return facts.facts;
}
