// The columns of `kubectl get services`.

import { at, type Json, listAt, numberAt, printed, textAt, textMapAt } from "../json.ts";
import { type Column, text } from "../kinds/kind.ts";
import type { KubeObject } from "../objects.ts";
import { ageColumn } from "./age.ts";

export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",") || "<none>";

export const serviceColumns: readonly Column[] = [
  text("Type", (service) => textAt(service, "spec", "type")),
  text("Cluster-IP", (service) => textAt(service, "spec", "clusterIP") || "<none>"),
  text("External-IP", externalIp),
  text("Port(s)", (service) => listAt(service, "spec", "ports").map(portText).join(",") || "<none>"),
  ageColumn,
  text("Selector", (service) => labelsText(textMapAt(service, "spec", "selector")), 1),
];

function externalIp(service: KubeObject): string {
  const type = textAt(service, "spec", "type");
  if (type === "ExternalName") return textAt(service, "spec", "externalName");
  const given = listAt(service, "status", "loadBalancer", "ingress").map(
    (one) => textAt(one, "ip") || textAt(one, "hostname"),
  );
  const all = [...given, ...listAt(service, "spec", "externalIPs")];
  return all.map(printed).join(",") || (type === "LoadBalancer" ? "<pending>" : "<none>");
}

function portText(port: Json): string {
  const nodePort = numberAt(port, "nodePort");
  return `${printed(at(port, "port"))}${nodePort ? `:${nodePort}` : ""}/${textAt(port, "protocol")}`;
}
