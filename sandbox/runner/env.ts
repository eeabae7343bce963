// What a container starts with: its environment (values, downward API, `$(NAME)` references) and its command line.
// Pure. What the runner cannot provide, such as a key of a Secret, is an error that becomes the container's waiting
// reason.

import { join } from "node:path";
import type { Container, EnvVar, Pod } from "../client/objects.ts";

const echoServer = join(import.meta.dirname, "..", "echo", "echo.pl");

/** What only the node knows about a pod. */
export interface PodPlace {
  readonly nodeName: string;
  readonly hostIps: readonly string[];
  readonly podIps: readonly string[];
}

export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
}

/** @throws ContainerConfigError when a variable needs what the sandbox does not have. */
export function environmentOf(pod: Pod, container: Container, place: PodPlace): Record<string, string> {
  const env: Record<string, string> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/root",
    HOSTNAME: hostnameOf(pod, place),
  };
  for (const variable of container.env ?? []) {
    const value = valueOf(variable, pod, container, place);
    if (value !== undefined) env[variable.name] = expand(value, env);
  }
  if (argvGiven(container).length === 0) {
    env["ECHO_POD"] = pod.metadata.name;
    env["ECHO_NODE"] = place.nodeName;
    env["ECHO_PORTS"] = echoPorts(container).join(",");
  }
  return env;
}

/** The command with its arguments; the echo server when the container names no command. The image is ignored. */
export function argvOf(container: Container, env: Readonly<Record<string, string>>): string[] {
  const argv = argvGiven(container).map((word) => expand(word, env));
  return argv.length > 0 ? argv : ["perl", echoServer];
}

/** As in Kubernetes: the pod's name unless spec.hostname is set, and the node's name for hostNetwork. */
export function hostnameOf(pod: Pod, place: PodPlace): string {
  if (pod.spec.hostNetwork === true) return place.nodeName;
  return (pod.spec.hostname ?? pod.metadata.name).slice(0, 63);
}

/** Kubernetes' `$(NAME)`. Unknown names stay as written, and `$$` is a dollar. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([^()]+)\)/g, (match, name: string | undefined) =>
    name === undefined ? "$" : (env[name] ?? match),
  );
}

function argvGiven(container: Container): string[] {
  return [...(container.command ?? []), ...(container.args ?? [])];
}

function echoPorts(container: Container): number[] {
  const ports = new Set((container.ports ?? []).map((port) => port.containerPort));
  return ports.size > 0 ? [...ports] : [8080];
}

function valueOf(variable: EnvVar, pod: Pod, container: Container, place: PodPlace): string | undefined {
  const from = variable.valueFrom;
  if (!from) return variable.value ?? "";
  if (from.fieldRef) return fieldOf(from.fieldRef.fieldPath, pod, place);
  const key = from.configMapKeyRef ?? from.secretKeyRef;
  if (key?.optional === true) return undefined;
  throw new ContainerConfigError(
    `container ${container.name}, variable ${variable.name}: the sandbox supports value and fieldRef, not ${Object.keys(from).join(", ")}`,
  );
}

function fieldOf(path: string, pod: Pod, place: PodPlace): string {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed) return (keyed[1] === "labels" ? metadata.labels : metadata.annotations)?.[keyed[2] ?? ""] ?? "";
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid ?? "";
    case "spec.nodeName":
      return place.nodeName;
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "default";
    case "status.hostIP":
      return place.hostIps[0] ?? "";
    case "status.hostIPs":
      return place.hostIps.join(",");
    case "status.podIP":
      return place.podIps[0] ?? "";
    case "status.podIPs":
      return place.podIps.join(",");
    default:
      throw new ContainerConfigError(`fieldRef ${path} is not supported`);
  }
}
