// Checks the pod fields that Weft or the sandbox's runner reads, like k8s.io/kubernetes, pkg/apis/core/validation.

import { parseIp } from "../../../src/model/ip.ts";
import type { Causes } from "../causes.ts";
import { at, type Json, listAt, objectAt, sameJson, textAt, without } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import {
  checkIp,
  checkNotNegative,
  checkOneOf,
  checkPort,
  checkPortOrName,
  checkPositive,
  checkText,
  isPortName,
} from "../validate/fields.ts";
import { isDnsLabel, isDnsSubdomain } from "../validate/names.ts";

export function checkPod(pod: KubeObject, causes: Causes): void {
  checkPodSpec(pod["spec"], "spec", causes);
  const ips = listAt(pod, "status", "podIPs").map((ip) => textAt(ip, "ip"));
  for (const [index, ip] of ips.entries()) checkIp(causes, `status.podIPs[${index}].ip`, ip);
  const families = new Set(ips.map((ip) => parseIp(ip)?.family));
  if (ips.length > 1 && (ips.length > 2 || families.size < 2))
    causes.invalid("status.podIPs", ips, "may specify no more than one IP for each IP family");
  checkOneOf(causes, "status.phase", at(pod, "status", "phase"), phases);
}

const phases = ["Pending", "Running", "Succeeded", "Failed", "Unknown"];
const protocols = ["SCTP", "TCP", "UDP"];

export function checkPodSpec(spec: Json | undefined, field: string, causes: Causes): void {
  const containers = listAt(spec, "containers");
  if (containers.length === 0) causes.required(`${field}.containers`);
  const names = new Set<string>();
  for (const list of ["initContainers", "containers", "ephemeralContainers"])
    for (const [index, container] of listAt(spec, list).entries())
      checkContainer(container, `${field}.${list}[${index}]`, names, causes);
  const { restartPolicy, dnsPolicy, terminationGracePeriodSeconds, activeDeadlineSeconds } = objectAt(spec);
  checkOneOf(causes, `${field}.restartPolicy`, restartPolicy, ["Always", "Never", "OnFailure"]);
  checkOneOf(causes, `${field}.dnsPolicy`, dnsPolicy, [
    "ClusterFirst",
    "ClusterFirstWithHostNet",
    "Default",
    "None",
  ]);
  checkNotNegative(causes, `${field}.terminationGracePeriodSeconds`, terminationGracePeriodSeconds);
  checkPositive(causes, `${field}.activeDeadlineSeconds`, activeDeadlineSeconds);
  checkText(causes, `${field}.nodeName`, textAt(spec, "nodeName"), isDnsSubdomain);
  checkText(causes, `${field}.hostname`, textAt(spec, "hostname"), isDnsLabel);
  const volumes = new Set(listAt(spec, "volumes").map((volume) => textAt(volume, "name")));
  for (const [index, container] of containers.entries())
    for (const [place, mount] of listAt(container, "volumeMounts").entries())
      if (!volumes.has(textAt(mount, "name")))
        causes.invalid(
          `${field}.containers[${index}].volumeMounts[${place}].name`,
          textAt(mount, "name"),
          "not found",
        );
}

function checkContainer(container: Json, field: string, names: Set<string>, causes: Causes): void {
  const name = textAt(container, "name");
  if (name === "") causes.required(`${field}.name`);
  else checkText(causes, `${field}.name`, name, isDnsLabel);
  if (name !== "" && names.has(name)) causes.duplicate(`${field}.name`, name);
  names.add(name);
  if (textAt(container, "image") === "") causes.required(`${field}.image`);
  checkOneOf(causes, `${field}.imagePullPolicy`, objectAt(container)["imagePullPolicy"], [
    "Always",
    "IfNotPresent",
    "Never",
  ]);
  const portNames = new Set<string>();
  for (const [index, port] of listAt(container, "ports").entries())
    checkContainerPort(port, `${field}.ports[${index}]`, portNames, causes);
  for (const [index, variable] of listAt(container, "env").entries())
    if (textAt(variable, "name") === "") causes.required(`${field}.env[${index}].name`);
  for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"])
    if (objectAt(container)[probe] !== undefined)
      checkProbe(objectAt(container, probe), `${field}.${probe}`, causes);
}

function checkContainerPort(port: Json, field: string, names: Set<string>, causes: Causes): void {
  const { containerPort, hostPort, protocol } = objectAt(port);
  const name = textAt(port, "name");
  checkText(causes, `${field}.name`, name, isPortName);
  if (name !== "" && names.has(name)) causes.duplicate(`${field}.name`, name);
  names.add(name);
  if (containerPort === undefined || containerPort === 0) causes.required(`${field}.containerPort`);
  else checkPort(causes, `${field}.containerPort`, containerPort);
  if (hostPort !== 0) checkPort(causes, `${field}.hostPort`, hostPort);
  checkOneOf(causes, `${field}.protocol`, protocol, protocols);
}

function checkProbe(probe: Json, field: string, causes: Causes): void {
  const handlers = ["exec", "httpGet", "tcpSocket", "grpc"].filter(
    (name) => objectAt(probe)[name] !== undefined,
  );
  if (handlers.length === 0) causes.required(field, "must specify a handler type");
  for (const handler of handlers.slice(1))
    causes.forbidden(`${field}.${handler}`, "may not specify more than 1 handler type");
  for (const handler of ["httpGet", "tcpSocket"])
    if (handlers.includes(handler)) {
      const port = objectAt(probe, handler)["port"];
      if (port === undefined) causes.required(`${field}.${handler}.port`);
      else checkPortOrName(causes, `${field}.${handler}.port`, port);
    }
  if (handlers.includes("exec") && listAt(probe, "exec", "command").length === 0)
    causes.required(`${field}.exec.command`);
  for (const name of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ])
    checkNotNegative(causes, `${field}.${name}`, objectAt(probe)[name]);
}

const mutable = [
  "activeDeadlineSeconds",
  "terminationGracePeriodSeconds",
  "tolerations",
  "ephemeralContainers",
];

/** Ephemeral containers can only be added, through the subresource of that name. */
function checkEphemeral(now: readonly Json[], old: readonly Json[], causes: Causes): void {
  for (const container of old) {
    const name = textAt(container, "name");
    const kept = now.find((one) => textAt(one, "name") === name);
    if (!sameJson(kept, container))
      causes.forbidden(
        "spec.ephemeralContainers",
        `existing ephemeral containers ${JSON.stringify(name)} may not be ${kept === undefined ? "removed" : "changed"}`,
      );
  }
}

/** A pod's specification never changes, except for images and a few limits. A binding sets its node. */
export function checkPodUpdate(pod: KubeObject, old: KubeObject, causes: Causes): void {
  const fixed = (object: KubeObject): Json => {
    const spec = objectAt(object, "spec");
    const lists = ["containers", "initContainers"].filter((name) => spec[name] !== undefined);
    const imageless = lists.map((name) => [
      name,
      listAt(spec, name).map((one) => without(objectAt(one), "image")),
    ]);
    return { ...without(spec, ...mutable), ...Object.fromEntries(imageless) };
  };
  checkEphemeral(
    listAt(pod, "spec", "ephemeralContainers"),
    listAt(old, "spec", "ephemeralContainers"),
    causes,
  );
  if (!sameJson(fixed(pod), fixed(old)))
    causes.forbidden(
      "spec",
      "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    );
}
