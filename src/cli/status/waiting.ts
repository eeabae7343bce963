// Which pods wait for the network, and for which step.

import { poolOfferOf } from "../../kube/annotations.ts";
import type { Pod } from "../../kube/objects.ts";
import { annotations, namesOf } from "../../model/names.ts";
import { placeInPool } from "./pool.ts";
import type { Snapshot } from "./snapshot.ts";

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
  if (place === undefined && pod.annotations[annotations.podNetworks] === undefined) {
    const why =
      node && poolOfferOf(node)
        ? `its node has not given it a port from its pool: see the agent's log on ${pod.nodeName}`
        : "has no address: see the pod's Events and the controller's log";
    return { step: "address", why };
  }
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
