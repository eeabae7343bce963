// The defaults of a pod (k8s.io/kubernetes, pkg/apis/core/v1/defaults.go). Workload templates get the same.

import { isObject, type Json, type JsonObject, listAt, objectAt, textAt, withDefaults } from "../json.ts";

export function defaultPodSpec(spec: JsonObject): JsonObject {
  const filled = withDefaults(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
    securityContext: {},
    enableServiceLinks: true,
  });
  const hostNetwork = spec["hostNetwork"] === true;
  return {
    ...filled,
    containers: listAt(spec, "containers").map((container) => defaultContainer(container, hostNetwork)),
    ...Object.fromEntries(
      ["initContainers", "ephemeralContainers"]
        .filter((name) => spec[name] !== undefined)
        .map((name) => [
          name,
          listAt(spec, name).map((container) => defaultContainer(container, hostNetwork)),
        ]),
    ),
  };
}

function defaultContainer(container: Json, hostNetwork: boolean): Json {
  if (!isObject(container)) return container;
  const filled = withDefaults(container, {
    resources: {},
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicyOf(textAt(container, "image")),
  });
  const probes = ["livenessProbe", "readinessProbe", "startupProbe"].filter((name) =>
    isObject(container[name]),
  );
  return {
    ...filled,
    ...(container["ports"] !== undefined && {
      ports: listAt(container, "ports").map((port) => defaultPort(port, hostNetwork)),
    }),
    ...Object.fromEntries(probes.map((name) => [name, defaultProbe(objectAt(container, name))])),
  };
}

/** An image without a tag, or with `latest`, may have changed since it was pulled. */
function pullPolicyOf(image: string): string {
  const tag = /:([^/:@]+)(@|$)/.exec(image)?.[1] ?? (image.includes("@") ? "digest" : "latest");
  return tag === "latest" ? "Always" : "IfNotPresent";
}

/** On the host's network a container port is the node's port. */
function defaultPort(port: Json, hostNetwork: boolean): Json {
  if (!isObject(port)) return port;
  return withDefaults(port, {
    protocol: "TCP",
    ...(hostNetwork && { hostPort: port["containerPort"] }),
  });
}

function defaultProbe(probe: JsonObject): JsonObject {
  const httpGet = objectAt(probe, "httpGet");
  return {
    ...withDefaults(probe, {
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    }),
    ...(probe["httpGet"] !== undefined && { httpGet: withDefaults(httpGet, { path: "/", scheme: "HTTP" }) }),
  };
}

/** podIP is the first of podIPs; a client that knows only one of them sets both. */
export function defaultPodStatus(status: JsonObject): JsonObject {
  const podIp = textAt(status, "podIP");
  const first = textAt(listAt(status, "podIPs")[0], "ip");
  if (podIp !== "" && podIp !== first) return { ...status, podIPs: [{ ip: podIp }] };
  return first === "" ? status : { ...status, podIP: first };
}

export function qosClassOf(spec: JsonObject): string {
  const containers = [...listAt(spec, "containers"), ...listAt(spec, "initContainers")];
  const amounts = containers.map((container) => ({
    limits: objectAt(container, "resources", "limits"),
    requests: objectAt(container, "resources", "requests"),
  }));
  if (
    amounts.every(
      ({ limits, requests }) =>
        !("cpu" in { ...limits, ...requests }) && !("memory" in { ...limits, ...requests }),
    )
  )
    return "BestEffort";
  const guaranteed = amounts.every(({ limits, requests }) =>
    ["cpu", "memory"].every(
      (name) => limits[name] !== undefined && (requests[name] ?? limits[name]) === limits[name],
    ),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
