// The agent's side towards the container runtime: the plugin, its configuration, and the socket through which the plugin has
// pods attached and detached.

import { basename } from "node:path";
import type { AgentOptions } from "../../config/agent.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Log } from "../../kube/clock.ts";
import { onNode } from "../../model/names.ts";
import type { Readiness } from "../health/readiness.ts";
import { networkConfiguration, writeConfiguration, writeServed } from "../host/install.ts";
import { PluginFile } from "../host/pluginFile.ts";
import type { AddressSource } from "../nouns/addressSource.ts";
import type { LinkSettings, PodMtu } from "../nouns/link.ts";
import { byController, byVswitchd } from "../ovs/completion.ts";
import { PodPorts } from "../ovs/ports.ts";
import type { Vswitch } from "../ovs/vswitch.ts";
import type { Writer } from "../ovs/writer.ts";
import { AssignedAddresses, type AssignedAddressesOptions } from "./assignedAddresses.ts";
import { Attachments, type AttachmentsOptions } from "./attachments.ts";
import { answer, type Handled } from "./commands.ts";
import { departureAsked, departureTold } from "./departure.ts";
import { retune } from "./retune.ts";
import { type CniServer, serveCni } from "./server.ts";

type Setting =
  | ("network" | "ovsRunDirectory" | "ovnRunDirectory" | "log")
  | ("cniSocket" | "cniConfDirectory" | "cniBinDirectory" | "cniPlugin" | "cniLimitMs");

export interface CniOptions
  extends Pick<AgentOptions, Setting>,
    Pick<AttachmentsOptions, "run" | "flush" | "phaseTook">,
    AssignedAddressesOptions {
  readonly db: Vswitch;
  readonly writer: Writer;
  readonly client: KubeClient;
  /** Addresses of the node's pool; without one, the controller assigns them. */
  readonly pooled: AddressSource | undefined;
  readonly readiness: Readiness;
  /** Called for each request that has been answered. */
  readonly handled: (request: Handled) => void;
}

export interface Cni {
  /** Makes the node serve. Called before the first pods are accepted, and again in case somebody has cleaned up. */
  readonly serve: (firstTime: boolean, links: LinkSettings) => Promise<void>;
  /** Gives running pods this MTU. */
  readonly retune: (mtu: PodMtu) => Promise<void>;
  /** How many pods' interfaces are plugged in. */
  readonly attachments: () => number;
  /** Answers until `signal` is aborted. Resolves when it listens. */
  readonly listen: (signal: AbortSignal) => Promise<CniServer>;
}

export function cniOf(options: CniOptions): Cni {
  const { readiness, cniSocket, cniPlugin, run, log } = options;
  const { ports, attachments } = attaching(options);
  const plugin = new PluginFile({
    executable: cniPlugin,
    directory: options.cniBinDirectory,
    log,
    now: () => performance.now(),
    retryMs: 60_000,
  });
  const retuneAll = async (mtu: PodMtu): Promise<void> => {
    for (const failure of await retune(ports, run, mtu)) log("warn", failure, {});
  };
  const commands = {
    attachments,
    notReady: readiness.notReady,
    limitMs: options.cniLimitMs,
    handled: (request: Handled) => {
      options.handled(request);
      report(log, request);
    },
  };
  return {
    retune: retuneAll,
    attachments: () => ports.all().length,
    serve: async (firstTime, { mtu }) => {
      if (firstTime) await attachments.adopt();
      await retuneAll(mtu);
      // First the executable, because its configuration tells the runtime that this node can serve pods.
      await plugin.install();
      const configuration = networkConfiguration(basename(cniPlugin), cniSocket);
      await writeConfiguration(options.cniConfDirectory, configuration);
      await writeServed(cniSocket, options.ovsRunDirectory);
    },
    listen: (signal) => serveCni(cniSocket, (line, gone) => answer(commands, line, gone), signal),
  };
}

function attaching(options: CniOptions): { readonly ports: PodPorts; readonly attachments: Attachments } {
  const { db, writer, network, client, pods, pooled, readiness } = options;
  const isUnderlay = network.mode === "underlay";
  const ports = new PodPorts(db, writer, isUnderlay ? onNode.externalBridge : onNode.integrationBridge);
  const attachments = new Attachments({
    ...options,
    addresses: pooled ?? new AssignedAddresses(options),
    ports,
    database: db,
    linkSettings: readiness.links,
    departures: {
      told: (pod, stop) => departureTold({ pods }, pod, stop),
      asked: (pod, stop) => departureAsked({ pods, client, askMs: { first: 1000, again: 5000 } }, pod, stop),
    },
    completion: isUnderlay ? byVswitchd : byController(options.ovnRunDirectory),
  });
  return { ports, attachments };
}

function report(log: Log, { command, seconds, error, env }: Handled): void {
  const fields = { command, container: env["CNI_CONTAINERID"], args: env["CNI_ARGS"], seconds };
  if (!error) return log("info", "CNI request answered", fields);
  const { code, message, details } = error;
  return log("warn", "CNI request refused", { ...fields, code, error: message, details });
}
