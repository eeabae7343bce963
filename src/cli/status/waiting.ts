// Which pods wait for the network, and for which step.

import { nodeSubnetsOf } from "../../kube/annotations.ts";
import type { Node, Pod } from "../../kube/objects.ts";
import { annotations, namesOf } from "../../model/names.ts";
import { placeInPool, poolReport } from "./pool.ts";
import type { Snapshot } from "./snapshot.ts";
import { type Told, toldOf } from "./told.ts";

export interface WaitingPod {
  readonly pod: string;
  readonly node: string;
  readonly step: "address" | "northbound" | "southbound" | "node" | "flows";
  readonly why: string;
}

/** Pods that should have a network: scheduled, not in the host's network, neither finished nor being deleted. */
export const isDue = (pod: Pod): boolean =>
  pod.nodeName !== "" &&
  !pod.hostNetwork &&
  pod.phase !== "Succeeded" &&
  pod.phase !== "Failed" &&
  pod.deletionTimestamp === undefined;

/** Nobody has given it one yet: neither the controller nor, from a pool, its node. */
export const hasNoAddress = (pod: Pod): boolean =>
  isDue(pod) && pod.podIps.length === 0 && pod.annotations[annotations.podNetworks] === undefined;

export function waitingPods(snapshot: Snapshot): WaitingPod[] {
  const { kubernetes } = snapshot;
  if ("unreachable" in kubernetes) return [];
  return kubernetes.pods.filter(isDue).flatMap((pod) => {
    const reason = waitsFor(pod, snapshot);
    return reason ? [{ pod: `${pod.namespace}/${pod.name}`, node: pod.nodeName, ...reason }] : [];
  });
}

function waitsFor(
  pod: Pod,
  { cluster, kubernetes, northbound, southbound }: Snapshot,
): Pick<WaitingPod, "step" | "why"> | undefined {
  const node =
    "unreachable" in kubernetes ? undefined : kubernetes.nodes.find(({ name }) => name === pod.nodeName);
  const place = node && placeInPool(node, pod);
  const names = namesOf(cluster);
  const port =
    node && place !== undefined ? names.poolPort(node.name, place) : names.podPort(pod.namespace, pod.name);
  if (!("unreachable" in northbound) && northbound.foreignPorts.has(port))
    return {
      step: "address",
      why: `port ${port} in the northbound database is not Weft's: ovn-nbctl lsp-del ${port}`,
    };
  if (place === undefined && pod.annotations[annotations.podNetworks] === undefined)
    return { step: "address", why: `has no address: ${whyNoAddress(pod, node, kubernetes)}` };
  if ("unreachable" in northbound) return undefined;
  if (!northbound.ports.has(port))
    return {
      step: "northbound",
      why: `port ${port} is not in the northbound database: see the controller's log`,
    };
  if ("unreachable" in southbound) return undefined;
  const binding = southbound.bindings.get(port);
  if (!binding)
    return {
      step: "southbound",
      why: `port ${port} is not in the southbound database: is ovn-northd running?`,
    };
  if (!binding.bound)
    return {
      step: "node",
      why: `no chassis has bound port ${port}: see the agent's log on ${pod.nodeName}, and whether ovn-controller runs there`,
    };
  if (!binding.up)
    return {
      step: "flows",
      why: `ovn-controller on ${pod.nodeName} has not installed the flows of port ${port}`,
    };
  return undefined;
}

function whyNoAddress(pod: Pod, node: Node | undefined, view: Snapshot["kubernetes"]): string {
  if ("unreachable" in view) return "the API server does not say why";
  const { leader, nodes, pods, told } = view;
  if (!node) return nodes.length === 0 ? "see its Events" : `there is no node ${pod.nodeName}`;
  if (node.networkUnavailable)
    return `its node is not ready: ${node.networkCondition?.message || "its agent does not say why"}`;
  const pool = poolReport(node, pods);
  if (pool && pool.used >= pool.ports && pool.ports > 0)
    return `all ${pool.ports} ports of its node's pool are in use`;
  if (pool) return `its node has not given it a port from its pool: see the agent's log on ${pod.nodeName}`;
  if (leader !== "unknown" && (leader === undefined || leader.silent)) return "no controller leads";
  return toldOf(pod, told) ?? aboutNode(node, told) ?? "see its Events and the controller's log";
}

function aboutNode(node: Node, told: Told | undefined): string | undefined {
  const reason = toldOf(node, told);
  if (reason !== undefined) return `its node has no ports for pods: ${reason}`;
  return nodeSubnetsOf(node) ? undefined : "its node has no subnet yet: see the controller's log";
}
