// The demo's objects: two namespaces, each with a server pod on every node and a Service in front of them. The pods
// name no command, so the sandbox's echo server answers on their ports.

export interface DemoNames {
  readonly namespace: string;
  readonly app: string;
}

export const demoApps: readonly DemoNames[] = [
  { namespace: "shop", app: "web" },
  { namespace: "bank", app: "till" },
];

const echoPort = 8080;
const ports = [
  { name: "tcp", protocol: "TCP", containerPort: echoPort },
  { name: "udp", protocol: "UDP", containerPort: echoPort },
];

/** A `List` for `kubectl apply`. */
export function demoObjects(
  nodes: readonly string[],
  families: readonly number[],
): { readonly apiVersion: "v1"; readonly kind: "List"; readonly items: readonly object[] } {
  const items = demoApps.flatMap(({ namespace, app }) => [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    ...nodes.map((node) => podOn(node, namespace, app)),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { namespace, name: app },
      spec: {
        selector: { app },
        ipFamilyPolicy: families.length > 1 ? "RequireDualStack" : "SingleStack",
        ports: [
          { name: "http", protocol: "TCP", port: 80, targetPort: "tcp" },
          { name: "dns", protocol: "UDP", port: 53, targetPort: "udp" },
        ],
      },
    },
  ]);
  return { apiVersion: "v1", kind: "List", items };
}

const podOn = (node: string, namespace: string, app: string): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace, name: `${app}-${node}`, labels: { app } },
  spec: {
    nodeName: node,
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "echo",
        image: "echo",
        ports,
        readinessProbe: { tcpSocket: { port: echoPort }, periodSeconds: 1 },
      },
    ],
  },
});
