// Turns what the API says about the demo's pods, Services and nodes, and what the layout says about other machines,
// into places with paths between them.

import * as v from "valibot";
import { type Host, plainAddress } from "../host.ts";
import type { Layout } from "../layout.ts";
import { echoPort } from "../processes.ts";
import type { Place } from "./paths.ts";

const named = v.object({ namespace: v.optional(v.string(), ""), name: v.string() });
const pods = v.object({
  items: v.array(
    v.object({
      metadata: named,
      status: v.object({ podIPs: v.array(v.object({ ip: v.string() })) }),
    }),
  ),
});
const services = v.object({
  items: v.array(
    v.object({
      metadata: named,
      spec: v.object({
        clusterIPs: v.array(v.string()),
        ports: v.array(
          v.object({
            name: v.optional(v.string(), ""),
            protocol: v.picklist(["TCP", "UDP"]),
            port: v.number(),
          }),
        ),
      }),
    }),
  ),
});
const nodes = v.object({
  items: v.array(
    v.object({
      metadata: named,
      status: v.object({ addresses: v.array(v.object({ type: v.string(), address: v.string() })) }),
    }),
  ),
});

const echo: Place["ports"] = [{ way: "tcp", port: 8080 }];
const full = ({ namespace, name }: v.InferOutput<typeof named>): string => `${namespace}/${name}`;

/** From the output of `kubectl get pods -o json`. */
export const podPlaces = (json: string): Place[] =>
  v.parse(pods, JSON.parse(json)).items.map(({ metadata, status }) => ({
    name: full(metadata),
    sort: "pod",
    addresses: status.podIPs.map(({ ip }) => ip),
    ports: echo,
  }));

/** From the output of `kubectl get services -o json`, without the DNS, which echoes nothing. */
export const servicePlaces = (json: string): Place[] =>
  v
    .parse(services, JSON.parse(json))
    .items.filter(({ metadata }) => metadata.namespace !== "kube-system")
    .map(({ metadata, spec }) => ({
      name: `svc ${full(metadata)}`,
      sort: "service",
      addresses: spec.clusterIPs,
      ports: spec.ports.map(({ name, protocol, port }) => ({ way: wayTo(name, protocol), port })),
    }));

function wayTo(name: string, protocol: "TCP" | "UDP"): Place["ports"][number]["way"] {
  if (protocol === "UDP") return "udp";
  return name === "https" ? "connect" : "tcp";
}

/** From the output of `kubectl get nodes -o json`. */
export const nodePlaces = (json: string): Place[] =>
  v.parse(nodes, JSON.parse(json)).items.map(({ metadata, status }) => ({
    name: metadata.name,
    sort: "node",
    addresses: status.addresses.filter(({ type }) => type === "InternalIP").map(({ address }) => address),
    ports: [],
  }));

/** The places that are not part of the cluster: in overlay mode the outside, in underlay mode the tenant's other machines. */
export const otherPlaces = ({ tenant, outside }: Layout): Place[] =>
  tenant
    ? [tenant.vm, tenant.machine].map((host) => placeOf(host, "machine", machineEcho))
    : [placeOf(outside, "outside", [])];

const machineEcho: Place["ports"] = [
  { way: "tcp", port: echoPort },
  { way: "udp", port: echoPort },
];

const placeOf = ({ name, addresses }: Host, sort: Place["sort"], ports: Place["ports"]): Place => ({
  name,
  sort,
  addresses: addresses.map(plainAddress),
  ports,
});
