// The two files in /etc that belong to the pod, written as a kubelet writes them: its hosts, and its name servers. Pure
// except for `writeEtc`.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Pod } from "../client/objects.ts";
import { hostnameOf, type PodPlace } from "./env.ts";

const domain = "cluster.local";

/** Writes `hosts` and `resolv.conf` into `directory`. `dns` are the addresses of the cluster's DNS. */
export async function writeEtc(
  directory: string,
  pod: Pod,
  place: PodPlace,
  dns: readonly string[],
): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "hosts"), hostsOf(pod, place));
  await writeFile(join(directory, "resolv.conf"), resolvConfOf(pod, await readOwn("/etc/resolv.conf"), dns));
}

export function hostsOf(pod: Pod, place: PodPlace): string {
  const { hostAliases = [], subdomain } = pod.spec;
  const hostname = hostnameOf(pod, place);
  const full =
    subdomain === undefined ? "" : `${hostname}.${subdomain}.${pod.metadata.namespace}.svc.${domain}\t`;
  return [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    ...place.podIps.map((ip) => `${ip}\t${full}${hostname}`),
    ...hostAliases.map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join("\t")}`),
    "",
  ].join("\n");
}

/** By dnsPolicy. `own` is the machine's file: a pod gets it on request, or when the cluster has no DNS. */
export function resolvConfOf(pod: Pod, own: string, dns: readonly string[]): string {
  const { dnsPolicy = "ClusterFirst", dnsConfig = {}, hostNetwork = false } = pod.spec;
  const wantsCluster =
    dnsPolicy === "ClusterFirstWithHostNet" || (dnsPolicy === "ClusterFirst" && !hostNetwork);
  const base = dnsPolicy === "None" ? "" : wantsCluster && dns.length > 0 ? clusterLines(pod, dns) : own;
  const { nameservers = [], searches = [], options = [] } = dnsConfig;
  const words = (keyword: string): string[] =>
    linesOf(base).flatMap(([first, ...rest]) => (first === keyword ? rest : []));
  const chosen = new Map(words("options").map((option) => [option.split(":")[0], option]));
  for (const { name, value } of options) chosen.set(name, value === undefined ? name : `${name}:${value}`);
  const line = (keyword: string, values: readonly string[]): string[] =>
    values.length === 0 ? [] : [`${keyword} ${values.join(" ")}`];
  const unique = (values: readonly string[]): string[] => [...new Set(values)];
  return [
    ...unique([...words("nameserver"), ...nameservers]).map((server) => `nameserver ${server}`),
    ...line("search", unique([...words("search"), ...searches])),
    ...line("options", [...chosen.values()]),
    "",
  ].join("\n");
}

const clusterLines = (pod: Pod, servers: readonly string[]): string =>
  [
    ...servers.map((server) => `nameserver ${server}`),
    `search ${pod.metadata.namespace}.svc.${domain} svc.${domain} ${domain}`,
    "options ndots:5",
  ].join("\n");

const linesOf = (text: string): string[][] => text.split("\n").map((line) => line.trim().split(/\s+/));

async function readOwn(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  });
}
