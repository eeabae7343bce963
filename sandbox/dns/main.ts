// The cluster's DNS as a process on a node: answers for Services, their endpoints and pods from what the API says. The
// Service kube-dns leads to it. The API server makes that Service, and runners write its address into pods'
// resolv.conf.

import { parseArgs } from "node:util";
import { KubeClient } from "../../src/kube/client.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { watchResource } from "../../src/kube/watch.ts";
import { formatIp, parseIp } from "../../src/model/ip.ts";
import { rawKinds } from "../client/kinds.ts";
import { forwarding } from "./forward.ts";
import type { ClusterNames } from "./names.ts";
import { replyTo } from "./reply.ts";
import { serveDns } from "./server.ts";

const { values } = parseArgs({
  options: {
    kubeconfig: { type: "string" },
    address: { type: "string", multiple: true, default: [] },
    port: { type: "string", default: "53" },
    forward: { type: "string", multiple: true, default: [] },
  },
});
if (values.kubeconfig === undefined || values.address.length === 0) {
  process.stderr.write(
    "usage: node sandbox/dns/main.ts --kubeconfig FILE --address IP [--address IP] [--port 53] [--forward IP:PORT]\n",
  );
  process.exit(2);
}

const log = (message: string): void => void process.stderr.write(`${new Date().toISOString()} ${message}\n`);
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
const client = new KubeClient(await loadKubeconfig(values.kubeconfig), { userAgent: "coredns" });
const watching = {
  signal: stop.signal,
  log: (level: string, message: string) => log(`${level}: ${message}`),
};
const plain = (ip: string): string => {
  const parsed = parseIp(ip);
  return parsed ? formatIp(parsed) : ip;
};
const namespaces = watchResource(client, rawKinds.namespace, watching);
const services = watchResource(client, rawKinds.service, {
  ...watching,
  indexes: { ip: ({ raw }) => (raw.spec?.clusterIPs ?? []).map(plain) },
});
const slices = watchResource(client, rawKinds.endpointSlice, {
  ...watching,
  indexes: {
    service: ({ namespace, labels }) => [`${namespace}/${labels["kubernetes.io/service-name"] ?? ""}`],
  },
});
const names: ClusterNames = {
  hasNamespace: (name) => namespaces.get("", name) !== undefined,
  service: (namespace, name) => services.get(namespace, name)?.raw,
  slices: (namespace, name) => slices.by("service", `${namespace}/${name}`).map(({ raw }) => raw),
  servicesAt: (ip) => services.by("ip", plain(ip)).map(({ raw }) => raw),
};

// Answering earlier would deny names that exist, and clients remember denials.
await Promise.all([namespaces, services, slices].map((store) => store.ready(stop.signal)));
const own = (message: Buffer, limited: boolean): Buffer | undefined => replyTo(message, names, limited);
const answer = forwarding(own, values.forward, stop.signal);
await serveDns(values.address, Number(values.port), answer, stop.signal);
log(`answers on ${values.address.join(" and ")}, port ${values.port}`);
