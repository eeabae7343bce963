// What a leader tells people and metrics about its work: Events on the objects concerned, the log, counters.

import type { EngineEvents } from "../apply/engineEvents.ts";
import type { FloatingTell, ServiceTell, Tell } from "../decide/deciding.ts";
import type { Log } from "../kube/clock.ts";
import type { KubeObject, ObjectRef } from "../kube/kinds.ts";
import type { EventRecorder } from "../kube/recorder.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import type { Births } from "./births.ts";
import type { ControllerMetrics } from "./metrics.ts";
import type { PlannerTell } from "./planner.ts";
import type { PolicyNews } from "./policyNews.ts";
import type { PolicyStates } from "./policyStates.ts";

export interface TellingOptions {
  readonly events: EventRecorder;
  readonly births: Births;
  readonly metrics: ControllerMetrics;
  /** The object that the owner stands for, if it exists. */
  readonly objectOf: (owner: Owner) => KubeObject | undefined;
  /** Which policies are in force, while this controller leads. */
  readonly policies: () => Pick<PolicyStates, "written" | "refused"> | undefined;
  /** Balancers lose endpoints. */
  readonly lost: NonNullable<EngineEvents["lost"]>;
  readonly writeCondition: PolicyNews["condition"];
  /** Which deletions the prune guard holds, as a sentence; undefined when it holds none. */
  readonly onHeld: (message: string | undefined) => void;
  readonly log: Log;
}

export interface Telling {
  readonly tell: Tell &
    ServiceTell &
    FloatingTell &
    PlannerTell & {
      /** The object asks for something that Weft does not serve. */
      readonly unserved: (object: ObjectRef, message: string) => void;
    };
  readonly policyNews: PolicyNews;
  readonly engine: EngineEvents;
}

export function telling(options: TellingOptions): Telling {
  const { events, births, metrics, objectOf, policies, writeCondition, onHeld, log } = options;
  const warnOwners = (owners: Iterable<Owner>, reason: string, message: string): void => {
    for (const owner of owners) {
      const object = objectOf(owner);
      if (object) events.record(object, "Warning", reason, message);
    }
  };
  return {
    tell: {
      decided: (pod) => births.reach(nameOf(pod), "decided"),
      refused: (object, reason) => {
        log("warn", "cannot be decided now", { object: nameOf(object), reason });
        events.record(object, "Warning", "NetworkNotReady", reason);
      },
      distrusted: (object, reason) => {
        log("warn", "an annotation was not trusted", { object: nameOf(object), reason });
        const message = `its network annotation was replaced: ${reason}`;
        events.record(object, "Warning", "AnnotationIgnored", message);
      },
      announced: (service, message) => events.record(service, "Normal", "Announced", message),
      notGiven: (service, reason, message) => {
        log("warn", "a Service gets no address from outside", { service: nameOf(service), reason, message });
        events.record(service, "Warning", reason, message);
      },
      floating: (object, message) => events.record(object, "Normal", "Serving", message),
      notFloating: (object, reason, message) => {
        const what = { kind: object.kind, object: nameOf(object), reason, message };
        log("warn", "a floating address does not lead to a pod", what);
        events.record(object, "Warning", reason, message);
      },
      conflict: ({ holder, waiting, message }) => {
        log("error", "owners contradict each other", { holder, waiting, message });
        warnOwners([holder, waiting], "NetworkConflict", message);
      },
      fellShort: (object, reason, message) => {
        const what = { kind: object.kind, object: nameOf(object), reason, message };
        log("warn", "an object does not get all that it asks for", what);
        events.record(object, "Warning", reason, message);
      },
      unserved: (object, message) => events.record(object, "Warning", "NotServed", message),
    },
    policyNews: {
      cameIntoForce: (ms) => metrics.inForceSeconds.observe(ms / 1000),
      inForce: (policy, message) => events.record(policy, "Normal", "InForce", message),
      notInForce: (policy, message) => {
        log("warn", "a policy is not in force", { kind: policy.kind, policy: nameOf(policy), message });
        events.record(policy, "Warning", "NotInForce", message);
      },
      condition: writeCondition,
    },
    engine: {
      lost: options.lost,
      committed: ({ owners, operations, commitMs, drift }) => {
        metrics.transactionSeconds.observe(commitMs / 1000);
        metrics.transactionOperations.observe(operations);
        if (drift > 0) metrics.drift.inc(drift);
        policies()?.written(owners);
        for (const owner of owners) {
          const { kind, namespace, name } = parseOwner(owner);
          if (kind === "pod") births.reach(`${namespace}/${name}`, "committed");
        }
      },
      refused: ({ owners, error }) => {
        metrics.refused.inc();
        policies()?.refused(owners, error.message);
        warnOwners(owners, "NetworkRefused", `the network database refuses it: ${error.message}`);
      },
      pruneHeld: ({ rows, message }) => {
        onHeld(rows > 0 ? message : undefined);
        if (rows > 0) log("error", `${message}. To approve, send SIGUSR2 to this process`, {});
        else log("info", "no deletion is held any more", {});
      },
    },
  };
}

const nameOf = (object: ObjectRef): string =>
  object.namespace === "" ? object.name : `${object.namespace}/${object.name}`;
