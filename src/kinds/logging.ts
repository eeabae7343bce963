// The meter of a namespace, or of a policy of the whole cluster, that asks for logging. Which packets are logged is
// part of the policies' own facts.

import { aclLoggingOf } from "../kube/aclLogging.ts";
import { type ClusterPolicy, type ClusterPolicyKind, hasPass } from "../kube/clusterPolicy.ts";
import type { Namespace } from "../kube/objects.ts";
import { clusterPolicyKinds } from "../kube/policies.ts";
import type { Change } from "../kube/store.ts";
import { annotations } from "../model/names.ts";
import { type Owner, ownerOf } from "../model/owner.ts";
import type { Scope } from "../model/scope.ts";
import { sidesOf } from "../observe/concerns.ts";
import { loggingFacts } from "../plan/logging.ts";
import type { OwnerKind, Planned } from "./kind.ts";
import { ownerWord } from "./policies.ts";

type Logs = Namespace | ClusterPolicy;

const key = annotations.aclLogging;

const concerned = (word: string, change: Change<Logs>): readonly Owner[] =>
  sidesOf(change).some(({ annotations: said }) => said[key] !== undefined)
    ? sidesOf(change).map(({ name }) => ownerOf(word, name))
    : [];

function planned(scope: Scope, owner: Owner, object: Logs | undefined, meter: string): Planned {
  const { deny, allow, pass, problem } = aclLoggingOf(object);
  const unlogged = object && pass && unloggedIn(object);
  const faults = [problem, unlogged].filter((fault) => fault !== undefined);
  const isLogged = [deny, allow, unlogged === undefined ? pass : undefined].some(Boolean);
  return {
    facts: isLogged ? loggingFacts(scope, owner, meter) : [],
    malformed:
      faults.length > 0
        ? `its annotation ${key} has invalid parts, which log nothing: ${faults.join("; ")}`
        : undefined,
  };
}

/** What is passed on by the tier Admin has no ACL of its own (select/clusterRules.ts). */
function unloggedIn(object: Logs): string | undefined {
  if (object.kind === "Namespace") return "pass: a NetworkPolicy passes nothing on";
  return hasPass(object) ? "pass: what a rule of the tier Admin passes on is not logged" : undefined;
}

const namespaceLogging: OwnerKind<"Namespace"> = {
  name: "logging",
  of: "Namespace",
  reads: { Namespace: (change) => concerned("logging", change) },
  tables: ["Meter", "Meter_Band"],
  plan: (owner, { name }, { scope, stores }) =>
    planned(scope, owner, stores.Namespace.get("", name), scope.names.logMeter(name)),
};

const policyLogging = (of: ClusterPolicyKind): OwnerKind<ClusterPolicyKind> => {
  const word = `${ownerWord(of)}-logging`;
  const changed = (change: Change<ClusterPolicy>): readonly Owner[] =>
    sidesOf(change).every(({ kind }) => kind === of) ? concerned(word, change) : [];
  return {
    name: word,
    of,
    reads: {
      ClusterNetworkPolicy: changed,
      AdminNetworkPolicy: changed,
      BaselineAdminNetworkPolicy: changed,
      SecurityProfile: changed,
    },
    tables: ["Meter", "Meter_Band"],
    plan(owner, { name }, { scope, stores }) {
      const meter = scope.names.policyLogMeter(ownerWord(of), name);
      return planned(scope, owner, stores[of].get("", name), meter);
    },
  };
};

export const loggingKinds = [namespaceLogging, ...clusterPolicyKinds.map(policyLogging)];
