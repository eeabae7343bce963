// The agent of a node. It keeps the node on the network (upkeep.ts) and answers the container runtime (runtime/)
// while Open vSwitch, OVN, the API server or the agent itself restart. All its state is in the Open vSwitch database
// and the API, so killing it loses nothing. With a pool of ready ports, which is in the Open vSwitch database, it can
// even start without the API server.

import { basename } from "node:path";
import type { AgentOptions } from "../config/agent.ts";
import { serveHealth } from "../health/serve.ts";
import type { AnnotationValues } from "../kube/annotations.ts";
import { KubeClient } from "../kube/client.ts";
import { systemClock } from "../kube/clock.ts";
import { followLeader } from "../kube/followLeader.ts";
import { inCluster } from "../kube/in-cluster.ts";
import { loadKubeconfig } from "../kube/kubeconfig.ts";
import type { Node } from "../kube/objects.ts";
import { Staleness } from "../kube/staleness.ts";
import type { Ip } from "../model/ip.ts";
import { controllersLease, namesOf, onNode } from "../model/names.ts";
import { rowUuid } from "../model/uuid.ts";
import { Session } from "../ovsdb/index.ts";
import { AssignedAddresses } from "./assignedAddresses.ts";
import { departureAsked, departureTold } from "./departure.ts";
import { DataPlane, type Problem } from "./health/dataPlane.ts";
import { keepHeartbeat } from "./health/heartbeat.ts";
import { networkDegraded, networkUnavailable } from "./health/nodeConditions.ts";
import { NodeReporter } from "./health/nodeReporter.ts";
import { networkConfiguration, writeConfiguration, writeServed } from "./host/install.ts";
import { Losses } from "./host/losses.ts";
import { PluginFile } from "./host/pluginFile.ts";
import { run } from "./host/run.ts";
import { soleAgent } from "./host/sole.ts";
import { integrationFlows } from "./integrationFlows.ts";
import { agentMetrics } from "./metrics.ts";
import { annotateNode } from "./nodeObject.ts";
import { planWith } from "./nodePlan.ts";
import type { LinkSettings, PodMtu } from "./nouns/link.ts";
import { overlayPlan } from "./overlay.ts";
import { byController, byVswitchd } from "./ovs/completion.ts";
import { flushConntrack, type Match, withAddress, withUdpPort } from "./ovs/conntrack.ts";
import { PodPorts } from "./ovs/ports.ts";
import { followVswitch } from "./ovs/vswitch.ts";
import { Writer } from "./ovs/writer.ts";
import { poolOf } from "./pool/pool.ts";
import { Recollection, recollectionFile } from "./recollection.ts";
import { remarksTo } from "./remarks.ts";
import { Attachments } from "./runtime/attachments.ts";
import { answer, type Handled } from "./runtime/commands.ts";
import { retune } from "./runtime/retune.ts";
import { serveCni } from "./runtime/server.ts";
import { underlayPlan } from "./underlay.ts";
import { Upkeep } from "./upkeep.ts";
import { watched } from "./watched.ts";
import { Announcer } from "./wayIn/announcer.ts";
import { flushMoved } from "./wayIn/floatingFlush.ts";
import { HealthChecks } from "./wayIn/healthChecks.ts";
import { WayIn, type WayInPlace } from "./wayIn/wayIn.ts";

/** The server is on this machine, and its database is small: after twice as long without a word, it hangs. */
const vswitchProbeMs = 2_500;

/** Runs until `signal` is aborted, then closes its sockets and connections. Pods keep running. */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { nodeName, kubeconfig, log, registry } = options;
  const names = namesOf(options.clusterId);
  await using _sole = await soleAgent(`${options.cniSocket}.lock`);
  await using session = new Session({
    remotes: [options.ovsDb],
    database: "Open_vSwitch",
    log,
    probeIntervalMs: vswitchProbeMs,
  });
  session.start(signal);
  const db = followVswitch(session);
  const writer = new Writer(session);

  using client = await KubeClient.reading(() =>
    kubeconfig === undefined ? inCluster() : loadKubeconfig(kubeconfig),
  );
  const isPooled = options.addresses === "pooled";
  const recollection = await Recollection.read(recollectionFile(options.cniSocket), log);
  const { server, nodes, pods, services, floatings, policies, slicesOf } = watched(
    client,
    { nodeName, isPooled, recollection },
    { signal, log },
  );

  /** Does not reject: a failed flush leaves a stale entry behind, and the caller could not do anything about it. */
  const flush = (matches: readonly Match[]): Promise<void> =>
    flushConntrack(options.ovsRunDirectory, matches).catch((error: unknown) =>
      log("warn", "connections were not flushed", { error }),
    );
  const wayIn = new WayIn({
    ...{ nodeName, services, pods, floatings, run, log },
    forget: (addresses, port) => flush(addresses.flatMap((ip) => withUdpPort(ip, port))),
    changed: () => degradedReporter.ring(),
  });

  const announcer = new Announcer({ nodeName, services, floatings, run, clock: systemClock, log });
  const forget = (addresses: readonly Ip[]): Promise<void> => flush(addresses.flatMap(withAddress));
  if (options.network.mode === "overlay")
    flushMoved({ floatings, forget, run, clock: systemClock, log }, signal);

  const healthChecks = new HealthChecks({
    ...{ nodeName, services, slicesOf, log },
    // A virtual machine has no gateway router that could keep the client's address.
    isHealthy: () => options.network.mode === "overlay" && notReady() === undefined,
  });

  const announce = (node: Node, values: AnnotationValues): Promise<void> =>
    annotateNode(client, node, values);
  const { network } = options;
  const self = (): Node | undefined => nodes.get("", nodeName);
  const dataPlane = new DataPlane({
    db,
    ovsRunDirectory: options.ovsRunDirectory,
    ovnRunDirectory: network.mode === "underlay" ? undefined : options.ovnRunDirectory,
    flows: integrationFlows({ ...options, db, run, repaired: () => metrics.repaired() }),
    changed: () => reporter.ring(),
  });
  const losses = new Losses(log, () => degradedReporter.ring());
  const degraded = (): Problem | undefined => losses.problem() ?? wayIn.problem();
  // With a pool, pods start without the API server; but one that refuses has to be told.
  const read = { Node: nodes, Pod: pods, Service: services, FloatingAddress: floatings, ...policies };
  const staleness = new Staleness(read, () => performance.now(), isPooled);
  staleness.follow(signal);
  const problem = (): Problem | undefined =>
    dataPlane.problem() ??
    faultIn("WeftNotReady", upkeep.notReady()) ??
    faultIn("HostNetworkContested", upkeep.contested()) ??
    faultIn("ApiUnreachable", staleness.problem);
  const notReady = (): string | undefined => problem()?.message;
  const reporting = { node: self, now: () => performance.now(), random: Math.random, log };
  const reporter = new NodeReporter({ ...reporting, problem, condition: networkUnavailable(client, signal) });
  const degradedReporter = new NodeReporter({
    ...reporting,
    problem: degraded,
    condition: networkDegraded(client, signal),
  });
  for (const { ring } of [reporter, degradedReporter]) nodes.subscribe(ring);
  const metrics = agentMetrics(registry, {
    attachments: () => ports.all().length,
    notReady,
    degraded,
    faults: () => dataPlane.faults(),
    poolPorts: () => pool?.ports() ?? [],
  });
  const pool = policies
    ? poolOf({
        scope: { names, nodeName, nested: network.mode === "underlay" },
        db,
        writer,
        ...{ client, server },
        nodes,
        pods,
        policies,
        restMs: options.restMs,
        announce,
        observe: metrics.poolClaims,
        log,
      })
    : undefined;
  const host = {
    ...options,
    ...{ names, db, writer, run, announce, remark: remarksTo(log), outside: losses.look },
    retune: async (mtu: PodMtu) => {
      for (const failure of await retune(ports, run, mtu)) log("warn", failure, {});
    },
    enterServices: (place: WayInPlace) => {
      wayIn.set(place);
      announcer.set(place.bridge);
    },
  };
  const plan =
    network.mode === "underlay"
      ? underlayPlan(host)
      : overlayPlan({
          ...host,
          ...network,
          encapIp: network.encapIp,
          chassisId: rowUuid(options.clusterId, "Chassis", nodeName),
        });
  const plugin = new PluginFile({
    executable: options.cniPlugin,
    directory: options.cniBinDirectory,
    log,
    now: () => performance.now(),
    retryMs: 60_000,
  });
  const upkeep = new Upkeep({
    ...options,
    plan: pool ? planWith(plan, pool.notReady) : plan,
    db,
    nodes,
    formerSubnets: () => pool?.subnets(),
    checks: wayIn.checks,
    repaired: metrics.repaired,
    now: () => performance.now(),
    // Repeated on every run, in case somebody has cleaned up.
    serve: async (firstTime: boolean, { mtu }: LinkSettings) => {
      if (firstTime) await attachments.adopt();
      await host.retune(mtu);
      // First the executable, because its configuration tells the runtime that this node can serve pods.
      await plugin.install();
      const configuration = networkConfiguration(basename(options.cniPlugin), options.cniSocket);
      await writeConfiguration(options.cniConfDirectory, configuration);
      await writeServed(options.cniSocket, options.ovsRunDirectory);
    },
    changed: reporter.ring,
  });
  const bridge = network.mode === "underlay" ? onNode.externalBridge : onNode.integrationBridge;
  const ports = new PodPorts(db, writer, bridge);
  const attachments = new Attachments({
    addresses: pool?.addresses ?? new AssignedAddresses({ pods, nodes, nodeName, names }),
    ports,
    database: db,
    run,
    linkSettings: upkeep.links,
    flushConntrack: flush,
    departures: {
      told: (pod, stop) => departureTold({ pods }, pod, stop),
      asked: (pod, stop) => departureAsked({ pods, client, askMs: { first: 1000, again: 5000 } }, pod, stop),
    },
    completion: network.mode === "underlay" ? byVswitchd : byController(options.ovnRunDirectory),
    observe: (phase, seconds) => metrics.phaseSeconds.observe({ phase }, seconds),
  });
  const handled = (request: Handled): void => {
    metrics.requestSeconds.observe(
      { command: request.command, code: String(request.error?.code ?? 0) },
      request.seconds,
    );
    report(options, request);
  };
  const commands = { attachments, notReady: upkeep.notReady, limitMs: options.cniLimitMs, handled };
  const cni = await serveCni(options.cniSocket, (line, gone) => answer(commands, line, gone), signal);
  const { healthAddress: address, logLevels } = options;
  const notReadyNow = async (): Promise<string | undefined> => notReady() ?? (await cni.unreachable());
  await serveHealth({ address, registry, notReady: notReadyNow, logLevels }, signal);
  const controllers = { namespace: options.leaseNamespace, name: controllersLease(options.clusterId) };
  const beats = { client, node: self, namespace: options.leaseNamespace, cluster: options.clusterId };
  await Promise.all([
    recollection.keep(
      server,
      { Pod: pods, Service: services, FloatingAddress: floatings, ...policies },
      signal,
    ),
    upkeep.run(signal),
    wayIn.run(signal),
    announcer.run(signal),
    healthChecks.run(signal),
    pool?.run(signal),
    dataPlane.run(signal),
    reporter.run(signal),
    degradedReporter.run(signal),
    followLeader({ client, server, lease: controllers, clock: systemClock, log }, signal),
    keepHeartbeat({ ...beats, everyMs: options.heartbeatMs, log }, signal),
  ]);
}

const faultIn = (reason: string, message: string | undefined): Problem | undefined =>
  message === undefined ? undefined : { reason, message };

function report({ log }: AgentOptions, { command, seconds, error, env }: Handled): void {
  const fields = { command, container: env["CNI_CONTAINERID"], args: env["CNI_ARGS"], seconds };
  if (!error) return log("info", "CNI request answered", fields);
  const { code, message, details } = error;
  return log("warn", "CNI request refused", { ...fields, code, error: message, details });
}
