// A cluster for selections: ten thousand pods, a thousand of them in one namespace, and a thousand different selections
// as policies write them. Computed, so that two runs are equal.

import type { Namespace, Pod } from "../../src/kube/objects.ts";
import { addressAt, formatIp, networkOf, parseCidr } from "../../src/model/ip.ts";
import { namespaceFixture, podFixture } from "../../src/select/selectFixture.ts";
import {
  allNamespaces,
  labelSelection,
  namespacesMatching,
  oneNamespace,
  rangeSelection,
  type Selection,
} from "../../src/select/selection.ts";

export const scale = { pods: 10_000, selections: 1_000, namespaces: 100, podsOfOne: 1_000 };
/** The namespace with `podsOfOne` pods. */
export const large = "team-0";
const apps = 500;
const stages = ["production", "staging", "test"] as const;

export const namespaces = (): readonly Namespace[] =>
  Array.from({ length: scale.namespaces }, (_, i) => namespace(i, stages[i % stages.length] ?? ""));

export const namespace = (i: number, stage: string): Namespace =>
  namespaceFixture(`team-${i}`, {
    "kubernetes.io/metadata.name": `team-${i}`,
    stage,
    division: `division-${i % 10}`,
  });

export const pods = (): readonly Pod[] => Array.from({ length: scale.pods }, (_, i) => pod(i, 1));

/** `version` is the value of the label that changes. */
export function pod(i: number, version: number): Pod {
  const home = i < scale.podsOfOne ? 0 : 1 + (i % (scale.namespaces - 1));
  const app = i % apps;
  const labels = {
    app: `app-${app}`,
    tier: ["front", "back", "data"][app % 3] ?? "",
    version: `v${version}`,
    "pod-template-hash": `5d4f8c7b9d-${app}`,
    ...(app % 7 === 0 && { quarantine: "false" }),
  };
  return podFixture(`team-${home}`, `pod-${i}`, labels, { podIps: [address(i)] });
}

const podRange = parseCidr("10.128.0.0/14");

function address(i: number): string {
  if (!podRange) throw new Error("the range of pods is no network");
  return formatIp(addressAt(podRange, BigInt(i)));
}

/** Half of them select within one namespace, as most policies do. The rest reach further. */
export function selections(): readonly Selection[] {
  const made = Array.from({ length: scale.selections }, (_, i) => selection(i));
  const distinct = new Set(made.map(({ key }) => key)).size;
  if (distinct !== scale.selections) throw new Error(`only ${distinct} selections are different`);
  return made;
}

function selection(i: number): Selection {
  const app = { key: "app", operator: "In", values: [`app-${i % apps}`] } as const;
  const home = oneNamespace(`team-${i % scale.namespaces}`);
  if (i < scale.namespaces) return labelSelection(home, []);
  if (i < 500) return labelSelection(home, [app]);
  if (i < 600) return labelSelection(allNamespaces, [app]);
  if (i < 700) {
    const others = [i % apps, (i + 1) % apps, (i + 2) % apps].map((other) => `app-${other}`);
    const version = { key: "version", operator: "NotIn", values: [`v${i % 5}`] } as const;
    return labelSelection(allNamespaces, [{ ...app, values: others }, version]);
  }
  if (i < 900) {
    const stage = { key: "stage", operator: "In", values: [stages[i % stages.length] ?? ""] } as const;
    return labelSelection(namespacesMatching([stage]), [
      app,
      { key: "quarantine", operator: i % 2 === 0 ? "DoesNotExist" : "Exists", values: [] },
    ]);
  }
  if (i < 950) {
    const division = { key: "division", operator: "NotIn", values: [`division-${i % 10}`] } as const;
    const tier = { key: "tier", operator: "In", values: [["front", "back", "data"][i % 3] ?? ""] } as const;
    const version = { key: "version", operator: "In", values: [`v${i % 50}`, "v1"] } as const;
    return labelSelection(namespacesMatching([division]), [tier, version]);
  }
  if (!podRange) throw new Error("the range of pods is no network");
  return rangeSelection(networkOf(addressAt(podRange, BigInt(i % 50) * 256n), 22 + (i % 3)), [
    networkOf(addressAt(podRange, BigInt(i % 50) * 256n), 28),
  ]);
}
