// The agent of a node. It keeps the node on the network (upkeep.ts) and answers the container runtime (runtime/)
// while Open vSwitch, OVN, the API server or the agent itself restart. All its state is in the Open vSwitch database
// and the API, so killing it loses nothing. With a pool of ready ports, which is in the Open vSwitch database, it can
// even start without the API server. Here its parts are put together; each knows only those that come before it.

import { type AgentOptions, type OverlayMode } from "../config/agent.ts";
import { serveHealth } from "../health/serve.ts";
import { KubeClient } from "../kube/client.ts";
import { systemClock } from "../kube/clock.ts";
import { followLeader } from "../kube/followLeader.ts";
import { inCluster } from "../kube/in-cluster.ts";
import { loadKubeconfig } from "../kube/kubeconfig.ts";
import { controllersLease, namesOf } from "../model/names.ts";
import { rowUuid } from "../model/uuid.ts";
import { Session } from "../ovsdb/index.ts";
import { Announcement } from "./announcement.ts";
import { healthOf } from "./health/health.ts";
import { run } from "./host/run.ts";
import { soleAgent } from "./host/sole.ts";
import { agentGauges, agentMetrics } from "./metrics.ts";
import { annotatorOf } from "./nodeObject.ts";
import { type NodePlan, planWith } from "./nodePlan.ts";
import { type OverlayOptions, overlayPlan } from "./overlay.ts";
import { flusherOf } from "./ovs/conntrack.ts";
import { followVswitch } from "./ovs/vswitch.ts";
import { Writer } from "./ovs/writer.ts";
import { poolOf } from "./pool/pool.ts";
import { Recollection, recollectionFile } from "./recollection.ts";
import { remarksTo } from "./remarks.ts";
import { cniOf } from "./runtime/cni.ts";
import { underlayPlan } from "./underlay.ts";
import { Upkeep } from "./upkeep.ts";
import { watched } from "./watched.ts";
import { LedBefore, ledBeforeFile } from "./wayIn/ledBefore.ts";
import { wayInOf } from "./wayIn/wayIn.ts";

/** The server is on this machine, and its database is small: after twice as long without a word, it hangs. */
const vswitchProbeMs = 2_500;

/** Runs until `signal` is aborted, then closes its sockets and connections. Pods keep running. */
export async function runAgent(options: AgentOptions, signal: AbortSignal): Promise<void> {
  const { nodeName, clusterId, cniSocket, kubeconfig, registry, log } = options;
  await using _sole = await soleAgent(`${cniSocket}.lock`);
  await using session = new Session({
    remotes: [options.ovsDb],
    database: "Open_vSwitch",
    log,
    probeIntervalMs: vswitchProbeMs,
  });
  session.start(signal);
  const vswitch = { db: followVswitch(session), writer: new Writer(session) };
  using client = await KubeClient.reading(() =>
    kubeconfig === undefined ? inCluster() : loadKubeconfig(kubeconfig),
  );
  const recollection = await Recollection.read(recollectionFile(cniSocket), log);
  const isPooled = options.addresses === "pooled";
  const cluster = watched(client, { nodeName, isPooled, recollection }, { signal, log });
  const { server, policies, known } = cluster;
  const shared = {
    ...{ ...options, ...vswitch, ...cluster, client, run },
    names: namesOf(clusterId),
    announce: annotatorOf(client),
    flush: flusherOf(options.ovsRunDirectory, log),
  };

  const metrics = agentMetrics(registry);
  const health = healthOf({ ...shared, isPooled, repaired: metrics.repaired });
  const announcement = new Announcement({ ...shared, refused: health.announced });
  const pool = policies && poolOf({ ...shared, policies, observe: metrics.poolClaims });
  const ledBefore = await LedBefore.read(ledBeforeFile(cniSocket), log);
  const wayIn = wayInOf({ ...shared, ledBefore, notReady: health.notReady, outcome: health.ports });
  const cni = cniOf({ ...shared, ...metrics, readiness: health.readiness, pooled: pool?.addresses });
  const plan = planOf({
    ...{ ...shared, outside: health.outside, enterServices: wayIn.set, retune: cni.retune },
    ...{ remark: remarksTo(log), announce: announcement.set },
  });
  const upkeep = new Upkeep({
    ...{ ...shared, readiness: health.readiness, repairs: health.repairs },
    plan: pool ? planWith(plan, pool.notReady) : plan,
    formerSubnets: () => pool?.subnets(),
    checks: wayIn.checks,
    serve: cni.serve,
    now: () => performance.now(),
  });
  agentGauges(registry, { ...health, ...cni, poolPorts: () => pool?.ports() ?? [] });

  const { unreachable } = await cni.listen(signal);
  const notReady = async (): Promise<string | undefined> => health.notReady() ?? (await unreachable());
  const { healthAddress: address, logLevels } = options;
  await serveHealth({ address, registry, notReady, logLevels }, signal);
  const lease = { namespace: options.leaseNamespace, name: controllersLease(clusterId) };
  await Promise.all([
    recollection.keep(server, known, signal),
    upkeep.run(signal),
    announcement.run(signal),
    wayIn.run(signal),
    pool?.run(signal),
    health.run(signal),
    followLeader({ client, server, lease, clock: systemClock, log }, signal),
  ]);
}

type PlanOptions = Omit<OverlayOptions, keyof OverlayMode | "chassisId"> &
  Pick<AgentOptions, "network" | "clusterId">;

function planOf(options: PlanOptions): NodePlan {
  const { network, clusterId, nodeName } = options;
  if (network.mode === "underlay") return underlayPlan(options);
  const chassisId = rowUuid(clusterId, "Chassis", nodeName);
  return overlayPlan({ ...options, ...network, encapIp: network.encapIp, chassisId });
}
