// Whether what moves the node's packets works: Open vSwitch with its database and, in overlay mode, ovn-controller with
// its connection to the southbound database. The rows of a dead vswitchd look just like those of a live one, so the
// processes themselves are asked.

import { type DaemonState, DaemonWatch } from "../ovs/daemonWatch.ts";
import { FlowWatch, type FlowWatchOptions } from "./flowWatch.ts";

/** A fault of the node, as its condition and /readyz say it. */
export interface Problem {
  /** CamelCase, for machines. */
  readonly reason: string;
  readonly message: string;
}

export interface DataPlaneOptions {
  /** The agent's copy of the Open vSwitch database. */
  readonly db: { readonly synced: boolean };
  readonly ovsRunDirectory: string;
  /** Undefined in underlay mode, where OVN runs on the hypervisor. */
  readonly ovnRunDirectory: string | undefined;
  /** About ovn-controller's flows in the integration bridge; not used in underlay mode. */
  readonly flows: FlowWatchOptions;
  /** Called when something has failed or works again. */
  readonly changed: () => void;
  readonly now?: () => number;
}

export type Part = "ovsdb-server" | "ovs-vswitchd" | "ovn-controller" | "southbound" | "br-int";

export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #now: () => number;
  readonly #vswitchd: DaemonWatch;
  readonly #controller: DaemonWatch | undefined;
  readonly #flows: FlowWatch | undefined;

  constructor(options: DataPlaneOptions) {
    const { ovsRunDirectory, ovnRunDirectory, flows, changed, now = () => performance.now() } = options;
    this.#options = options;
    this.#now = now;
    this.#vswitchd = new DaemonWatch({
      runDirectory: ovsRunDirectory,
      daemon: "ovs-vswitchd",
      question: "version",
      changed,
      now,
    });
    this.#controller =
      ovnRunDirectory === undefined
        ? undefined
        : new DaemonWatch({
            runDirectory: ovnRunDirectory,
            daemon: "ovn-controller",
            question: "connection-status",
            changed,
            now,
          });
    this.#flows = ovnRunDirectory === undefined ? undefined : new FlowWatch(flows, now);
  }

  /** Watches until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#vswitchd.run(signal),
      this.#controller?.run(signal),
      this.#flows?.run(this.#options.changed, signal),
    ]);
  }

  /** Each part that the node has, with its fault or undefined. */
  faults(): ReadonlyMap<Part, Problem | undefined> {
    return faultsOf(
      {
        hasDatabase: this.#options.db.synced,
        vswitchd: this.#vswitchd.state,
        controller: this.#controller?.state,
        flowsMissingSince: this.#flows?.missingSince,
      },
      this.#now(),
    );
  }

  /** The fault that explains the others. */
  problem(): Problem | undefined {
    return [...this.faults().values()].find((fault) => fault !== undefined);
  }
}

export interface DataPlaneState {
  readonly hasDatabase: boolean;
  readonly vswitchd: DaemonState;
  /** Undefined where there is none. */
  readonly controller: DaemonState | undefined;
  /** Since when br-int has none of ovn-controller's flows; undefined while it has. */
  readonly flowsMissingSince: number | undefined;
}

/** vswitchd answers within milliseconds unless it hangs. */
const vswitchdPatienceMs = 10_000;
/** ovn-controller answers nothing while it computes everything anew, which takes 20 s beside 1,000 switches. */
const controllerPatienceMs = 60_000;
/** A restarted southbound database has all its clients back within seconds. */
const southboundPatienceMs = 5_000;
/** Until then the agent makes ovn-controller write its flows anew (flowWatch.ts). */
const flowsPatienceMs = 12_000;

export function faultsOf(state: DataPlaneState, now: number): ReadonlyMap<Part, Problem | undefined> {
  const { hasDatabase, vswitchd, controller, flowsMissingSince } = state;
  const faults = new Map<Part, Problem | undefined>();
  faults.set("ovs-vswitchd", daemonFault("VswitchdDown", "ovs-vswitchd", vswitchd, vswitchdPatienceMs, now));
  faults.set(
    "ovsdb-server",
    hasDatabase
      ? undefined
      : { reason: "OvsdbDown", message: "the Open vSwitch database (ovsdb-server) does not answer" },
  );
  if (!controller) return faults;
  faults.set(
    "ovn-controller",
    daemonFault("OvnControllerDown", "ovn-controller", controller, controllerPatienceMs, now),
  );
  if (controller.is !== "answering") return faults;
  const isAway = controller.said !== "connected" && now - controller.since >= southboundPatienceMs;
  faults.set(
    "southbound",
    isAway
      ? {
          reason: "SouthboundUnreachable",
          message: `ovn-controller has no connection to the southbound database (it says "${controller.said}")`,
        }
      : undefined,
  );
  const isEmpty = flowsMissingSince !== undefined && now - flowsMissingSince >= flowsPatienceMs;
  faults.set(
    "br-int",
    isEmpty && !isAway && vswitchd.is === "answering"
      ? {
          reason: "FlowsMissing",
          message: "br-int has none of ovn-controller's flows, so no pod on this node has a network",
        }
      : undefined,
  );
  return faults;
}

function daemonFault(
  reason: string,
  name: string,
  state: DaemonState,
  patienceMs: number,
  now: number,
): Problem | undefined {
  switch (state.is) {
    case "unknown":
    case "answering":
      return undefined;
    case "absent":
      return { reason, message: `${name} is not running (${state.why})` };
    case "silent":
      return now - state.since < patienceMs
        ? undefined
        : { reason, message: `${name} runs but has not answered for ${patienceMs / 1000} s` };
  }
}
