// Services that keep the client's address and have an endpoint in a host's network, which answers no client outside. No object
// says that by itself, so their EndpointSlices are compared with the nodes' own addresses.

import { gatewayConfigOf, hostCidrsOf } from "../../kube/annotations.ts";
import type { EndpointSlice, Node, Service } from "../../kube/objects.ts";
import { formatIp, parseIp } from "../../model/ip.ts";
import { hostAddressesOf } from "../../model/network.ts";

const what = "externalTrafficPolicy: Local with an endpoint in the host's network";

/** Whether it leads to whoever asks from outside only where its endpoints are. */
export const keepsClients = ({ type, externalTrafficPolicy, externalIps = [] }: Service): boolean =>
  externalTrafficPolicy === "Local" &&
  (type === "NodePort" || type === "LoadBalancer" || externalIps.length > 0);

/** What a Service asks for in vain, as `unserved` of an object. */
export function askedOfHosts(
  slices: readonly EndpointSlice[],
  nodes: readonly Node[],
): (service: Service) => readonly string[] {
  const own = new Set(
    nodes.flatMap((node) => {
      const internal = node.internalIps.flatMap((text) => parseIp(text) ?? []);
      return hostAddressesOf(internal, gatewayConfigOf(node), hostCidrsOf(node)).map(
        (ip) => `${node.name} ${formatIp(ip)}`,
      );
    }),
  );
  const leading = new Set(
    slices
      .filter(({ endpoints }) =>
        endpoints.some(
          ({ addresses, nodeName, serving }) =>
            serving && addresses.some((ip) => own.has(`${nodeName} ${ip}`)),
        ),
      )
      .map(({ namespace, serviceName }) => `${namespace}/${serviceName}`),
  );
  return (service) =>
    keepsClients(service) && leading.has(`${service.namespace}/${service.name}`) ? [what] : [];
}
