// The agent of a node. It brings the node onto the network (hostNetwork.ts), answers the container runtime
// (runtime/), and keeps both so while Open vSwitch, OVN, the API server or itself come and go. All of its memory is the
// Open vSwitch database and the API; killing it loses nothing.

import { basename } from "node:path";
import { serveHealth } from "../health/serve.ts";
import { KubeClient } from "../kube/client.ts";
import { inCluster } from "../kube/in-cluster.ts";
import { loadKubeconfig } from "../kube/kubeconfig.ts";
import { watchKind } from "../kube/watch.ts";
import { namesOf } from "../model/names.ts";
import { rowUuid } from "../model/uuid.ts";
import { Session } from "../ovsdb/index.ts";
import { AssignedAddresses } from "./assignedAddresses.ts";
import { Bell } from "./bell.ts";
import { installPlugin, networkConfiguration, writeConfiguration } from "./host/install.ts";
import { run } from "./host/run.ts";
import { bringUp, dependencies, type HostNetworkOptions, type Progress } from "./hostNetwork.ts";
import { type AgentMetrics, agentMetrics } from "./metrics.ts";
import { annotateNode, declareNetwork } from "./nodeObject.ts";
import type { AgentOptions } from "./options.ts";
import { flushConntrack, type Match } from "./ovs/conntrack.ts";
import { followVswitchd } from "./ovs/follow.ts";
import { PodPorts } from "./ovs/ports.ts";
import { controlSocket, unixctl } from "./ovs/unixctl.ts";
import { followVswitch } from "./ovs/vswitch.ts";
import { Writer } from "./ovs/writer.ts";
import { Attachments } from "./runtime/attachments.ts";
import { answer, type Handled } from "./runtime/commands.ts";
import { serveCni } from "./runtime/server.ts";
import { followStaleUdp } from "./staleUdp.ts";

const retryMs = { first: 200, longest: 5000 };

/** Runs until `signal` is aborted; then everything it listens on and is connected to is closed, and pods run on. */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { nodeName, log, registry } = options;
  const names = namesOf(options.clusterId);
  await using session = new Session({ remotes: [options.ovsDb], database: "Open_vSwitch", log });
  session.start(signal);
  const db = followVswitch(session);
  const writer = new Writer(session);

  const { kubeconfig } = options;
  using client = new KubeClient(
    kubeconfig === undefined ? await inCluster() : await loadKubeconfig(kubeconfig),
  );
  const watching = { signal, log };
  const nodes = watchKind(client, "Node", { ...watching, fieldSelector: `metadata.name=${nodeName}` });
  const pods = watchKind(client, "Pod", { ...watching, fieldSelector: `spec.nodeName=${nodeName}` });
  const services = watchKind(client, "Service", watching);
  const slices = watchKind(client, "EndpointSlice", watching);

  let progress: Progress = { ready: false, reason: "the agent has just started" };
  const unready = (): string | undefined => (progress.ready ? undefined : progress.reason);
  const ports = new PodPorts(db, writer);
  const metrics = agentMetrics(registry, () => ports.all().length);
  const flush = (matches: readonly Match[]): Promise<void> =>
    flushConntrack(options.ovsRunDirectory, matches);
  const attachments = new Attachments({
    addresses: new AssignedAddresses(pods, names),
    ports,
    database: db,
    run,
    linkSettings: () => {
      if (!progress.ready) throw new Error(progress.reason);
      return progress.links;
    },
    flushConntrack: flush,
    controllerStatus: () => controllerStatus(options.ovnRunDirectory),
    observe: (phase, seconds) => metrics.phaseSeconds.observe({ phase }, seconds),
  });
  const handled = (request: Handled): void => report(options, metrics, request);
  const commands = { attachments, unready, limitMs: options.cniLimitMs, handled };
  await serveCni(options.cniSocket, (line, gone) => answer(commands, line, gone), signal);
  await serveHealth({ address: options.healthAddress, registry, notReady: unready }, signal);
  followStaleUdp({ services, slices, flush, signal });

  const bell = new Bell();
  signal.addEventListener("abort", bell.ring);
  nodes.subscribe(bell.ring);
  let seen = "";
  db.subscribe(() => {
    const now = dependencies(db);
    if (now !== seen) bell.ring();
    seen = now;
  });
  const following = followVswitchd(options.ovsRunDirectory, bell.ring, signal);

  const host: HostNetworkOptions = {
    ...options,
    chassisId: rowUuid(options.clusterId, "Chassis", nodeName),
    encapIp: options.encapIp,
    names,
    db,
    writer,
    run,
    announce: (node, values) => annotateNode(client, node, values),
  };
  let delayMs: number | undefined;
  while (!signal.aborted) {
    const before = unready();
    try {
      await db.ready(signal);
      const node = nodes.get("", nodeName);
      progress = await bringUp(host, node);
      if (progress.ready && node) {
        await attachments.adopt();
        await installPlugin(options.cniPlugin, options.cniBinDirectory);
        const configuration = networkConfiguration(basename(options.cniPlugin), options.cniSocket);
        await writeConfiguration(options.cniConfDirectory, configuration);
        await declareNetwork(client, node);
      }
      delayMs = undefined;
    } catch (error) {
      if (signal.aborted) break;
      progress = { ready: false, reason: error instanceof Error ? error.message : String(error) };
      delayMs = Math.min((delayMs ?? retryMs.first / 2) * 2, retryMs.longest);
    }
    metrics.ready.set(progress.ready ? 1 : 0);
    const reason = unready();
    if (reason !== before) log("info", reason === undefined ? "ready" : `not ready: ${reason}`, {});
    await bell.heard(delayMs);
  }
  await following;
}

function report(
  { log }: AgentOptions,
  metrics: AgentMetrics,
  { command, code, seconds, error, env }: Handled,
): void {
  metrics.requestSeconds.observe({ command, code: String(code) }, seconds);
  const fields = {
    command,
    container: env["CNI_CONTAINERID"],
    args: env["CNI_ARGS"],
    seconds,
    ...(error && { code, error: error.message, details: error.details }),
  };
  log(error ? "warn" : "info", error ? "CNI request refused" : "CNI request answered", fields);
}

async function controllerStatus(runDirectory: string): Promise<string> {
  try {
    const socket = await controlSocket(runDirectory, "ovn-controller");
    return (await unixctl(socket, "connection-status")).trim();
  } catch (error) {
    return `no answer (${error instanceof Error ? error.message : String(error)})`;
  }
}
