// core/v1 Service. service-addresses.ts assigns its addresses.

import { parseCidr } from "../../../src/model/ip.ts";
import type { Causes } from "../causes.ts";
import {
  at,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  printed,
  textAt,
  withDefaults,
} from "../json.ts";
import type { KubeObject } from "../objects.ts";
import { serviceColumns } from "../tables/service.ts";
import {
  checkIp,
  checkLabels,
  checkOneOf,
  checkPort,
  checkPortOrName,
  checkText,
} from "../validate/fields.ts";
import { isDns1035Label, isDnsLabel, isDnsSubdomain } from "../validate/names.ts";
import { defineKind } from "./kind.ts";

export const services = defineKind({
  group: "",
  version: "v1",
  kind: "Service",
  plural: "services",
  shortNames: ["svc"],
  categories: ["all"],
  namespaced: true,
  subresources: ["status"],
  nameRule: isDns1035Label,
  selectableFields: {
    "spec.clusterIP": (service) => textAt(service, "spec", "clusterIP"),
    "spec.type": (service) => textAt(service, "spec", "type"),
  },
  columns: serviceColumns,
  defaults: (service) => ({
    ...service,
    spec: defaultSpec(objectAt(service, "spec")),
    status: withDefaults(objectAt(service, "status"), { loadBalancer: {} }),
  }),
  prepareCreate: (service) => ({ ...service, status: { loadBalancer: {} } }),
  validate: checkService,
  validateUpdate: (service, old, causes) => {
    const fixed = textAt(old, "spec", "clusterIP");
    const stays =
      textAt(old, "spec", "type") !== "ExternalName" && textAt(service, "spec", "type") !== "ExternalName";
    if (stays && fixed !== "" && textAt(service, "spec", "clusterIP") !== fixed)
      causes.invalid("spec.clusterIPs[0]", textAt(service, "spec", "clusterIP"), "may not change once set");
  },
});

function defaultSpec(spec: JsonObject): JsonObject {
  const type = textAt(spec, "type") || "ClusterIP";
  const external = type === "NodePort" || type === "LoadBalancer";
  const affinity = textAt(spec, "sessionAffinity") === "ClientIP";
  return {
    ...withDefaults(spec, {
      sessionAffinity: "None",
      ...(type !== "ExternalName" && { internalTrafficPolicy: "Cluster" }),
      ...(external && { externalTrafficPolicy: "Cluster" }),
      ...(type === "LoadBalancer" && { allocateLoadBalancerNodePorts: true }),
    }),
    type,
    ...(affinity && {
      sessionAffinityConfig: {
        clientIP: withDefaults(objectAt(spec, "sessionAffinityConfig", "clientIP"), {
          timeoutSeconds: 10_800,
        }),
      },
    }),
    ...(spec["ports"] !== undefined && { ports: listAt(spec, "ports").map(defaultPort) }),
  };
}

function defaultPort(port: Json): Json {
  if (!isObject(port)) return port;
  const filled = withDefaults(port, { protocol: "TCP" });
  return port["targetPort"] ? filled : { ...filled, targetPort: port["port"] };
}

function checkService(service: KubeObject, causes: Causes): void {
  const spec = objectAt(service, "spec");
  const type = textAt(spec, "type");
  checkOneOf(causes, "spec.type", type, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
  checkOneOf(causes, "spec.sessionAffinity", spec["sessionAffinity"], ["ClientIP", "None"]);
  checkOneOf(causes, "spec.internalTrafficPolicy", spec["internalTrafficPolicy"], ["Cluster", "Local"]);
  checkOneOf(causes, "spec.externalTrafficPolicy", spec["externalTrafficPolicy"], ["Cluster", "Local"]);
  checkLabels(causes, "spec.selector", spec["selector"]);
  const timeout = numberAt(spec, "sessionAffinityConfig", "clientIP", "timeoutSeconds");
  if (timeout !== undefined && (timeout <= 0 || timeout > 86_400))
    causes.invalid(
      "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
      timeout,
      "must be greater than 0 and less than 86400",
    );
  for (const [index, ip] of listAt(spec, "externalIPs").entries())
    checkIp(causes, `spec.externalIPs[${index}]`, printed(ip));
  for (const [index, range] of listAt(spec, "loadBalancerSourceRanges").entries())
    if (!parseCidr(printed(range).trim()))
      causes.invalid(
        `spec.loadBalancerSourceRanges[${index}]`,
        range,
        "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
      );
  if (type === "ExternalName") {
    const name = textAt(spec, "externalName").replace(/\.$/, "");
    if (name === "") causes.required("spec.externalName");
    else checkText(causes, "spec.externalName", name, isDnsSubdomain);
  }
  checkPorts(service, causes);
}

function checkPorts(service: KubeObject, causes: Causes): void {
  const ports = listAt(service, "spec", "ports");
  const headless = textAt(service, "spec", "clusterIP") === "None";
  if (ports.length === 0 && !headless && textAt(service, "spec", "type") !== "ExternalName")
    causes.required("spec.ports");
  const names = new Set<string>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const field = `spec.ports[${index}]`;
    const name = textAt(port, "name");
    if (name === "" && ports.length > 1) causes.required(`${field}.name`);
    checkText(causes, `${field}.name`, name, isDnsLabel);
    if (name !== "" && names.has(name)) causes.duplicate(`${field}.name`, name);
    names.add(name);
    const number = at(port, "port");
    if (number === undefined) causes.required(`${field}.port`);
    checkPort(causes, `${field}.port`, number);
    checkOneOf(causes, `${field}.protocol`, at(port, "protocol"), ["SCTP", "TCP", "UDP"]);
    checkPortOrName(causes, `${field}.targetPort`, at(port, "targetPort"));
    const unique = `${textAt(port, "protocol")}/${printed(number)}`;
    if (numbers.has(unique)) causes.duplicate(field, port);
    numbers.add(unique);
  }
}
