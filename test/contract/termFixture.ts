// A term of leadership for tests: everything is real but what ovn-northd and chassis would report, and there is nobody to
// tell.

import { defaultPruneLimits, type PruneLimits } from "../../src/apply/pruneGuard.ts";
import { OvnCloud } from "../../src/cloud/ovnCloud.ts";
import { OwnNodes } from "../../src/cloud/ownNodes.ts";
import { clusterNetwork, defaultJoin } from "../../src/config/ranges.ts";
import { northboundDestination, type Served } from "../../src/controller/destinations.ts";
import type { PlannerTell } from "../../src/controller/planner.ts";
import { Term, type TermOptions } from "../../src/controller/term.ts";
import { northboundTables } from "../../src/kinds/kinds.ts";
import type { ApiServer } from "../../src/kube/apiServer.ts";
import { type Clock, type Log, silent } from "../../src/kube/clock.ts";
import { northboundScope } from "../../src/model/scope.ts";
import { Observed, observedIndexes } from "../../src/observe/observed.ts";
import type { PortStates } from "../../src/observe/portStates.ts";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import type { Replica, Session } from "../../src/ovsdb/index.ts";

export interface TermSetting extends Pick<TermOptions, "client" | "stores" | "clock"> {
  readonly server: ApiServer;
  /** Not started yet. */
  readonly session: Session;
  /** Ranges of pods, and of Services. */
  readonly pods: readonly string[];
  readonly services: readonly string[];
  /** Nodes keep ready ports. */
  readonly isPooled: boolean;
  /** In underlay mode the name of the tenant's router. */
  readonly router: string | undefined;
  readonly prune?: PruneLimits;
  /** OVN carries all ports from the start; otherwise none. */
  readonly arePortsCarried?: boolean;
  /** Further destinations. */
  readonly others?: readonly Served[];
  readonly patch?: TermOptions["patch"];
  readonly writeFloatingStatus?: TermOptions["writeFloating"]["status"];
  readonly conflict?: PlannerTell["conflict"];
  readonly onPlanned?: TermOptions["onPlanned"];
  readonly log?: Log;
}

export function termOf(setting: TermSetting): Term {
  const { client, server, stores, session, isPooled, router, clock, log = silent } = setting;
  const scope = northboundScope("demo", "global");
  const network = clusterNetwork({ pods: setting.pods, services: setting.services, join: defaultJoin });
  const replica = session.replica(northbound, northboundTables, {
    indexes: observedIndexes(northboundTables),
  });
  const observed = new Observed({
    scope,
    replica,
    ports: portStates(setting.arePortsCarried === true),
    router,
  });
  return new Term(
    {
      ...{ scope, network, client, server, stores, observed, clock, log, random: Math.random },
      cloud: observed.tenant
        ? new OvnCloud(scope, network, observed.tenant, observed.ports)
        : new OwnNodes(scope, network, isPooled),
      pools: isPooled
        ? { isNested: router !== undefined, marks: { low: 4, high: 8 }, random: Math.random }
        : undefined,
      patch: setting.patch ?? (async () => undefined),
      externalIps: [],
      writeServiceStatus: async () => undefined,
      writeFloating: {
        status: setting.writeFloatingStatus ?? (async () => undefined),
        make: async () => undefined,
        unmake: async () => undefined,
      },
      tell: {
        decided: () => undefined,
        refused: () => undefined,
        distrusted: () => undefined,
        announced: () => undefined,
        floating: () => undefined,
        notFloating: () => undefined,
        notGiven: () => undefined,
        fellShort: () => undefined,
        conflict: setting.conflict ?? (() => undefined),
      },
      onPlanned: setting.onPlanned ?? (() => undefined),
      destinations: [
        served("global", { session, replica, clock, ...(setting.prune && { prune: setting.prune }) }),
        ...(setting.others ?? []),
      ],
    },
    crypto.randomUUID(),
  );
}

export interface ServedSetting {
  readonly session: Session;
  readonly replica: Replica<NorthboundTables>;
  readonly clock: Clock;
  readonly prune?: PruneLimits;
}

/** A northbound database as a destination. */
export const served = (
  zone: string,
  { session, replica, clock, prune = defaultPruneLimits }: ServedSetting,
): Served =>
  northboundDestination({
    destination: northboundScope("demo", zone).destination,
    cluster: "demo",
    ...{ session, replica, clock, prune, log: silent },
    generations: undefined,
    events: {},
  });

const portStates = (areCarried: boolean): PortStates => ({
  synced: true,
  ready: () => Promise.resolve(),
  stateOf: () => (areCarried ? "installed" : "absent"),
  chassisOf: () => undefined,
  physicalNetworksOf: () => [],
  chassisOfMachine: () => undefined,
  isAtLeast: () => areCarried,
  subscribe: () => () => undefined,
});
