// The runner as a process: one for each node, in the node's network namespace (`nsenter --net=/run/netns/NODE`).
// SIGTERM ends it and leaves its pods running. Taking the node down ends the pods by their network namespaces.

import { parseArgs } from "node:util";
import { KubeClient } from "../../src/kube/client.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { EventRecorder } from "../../src/kube/recorder.ts";
import { podApi } from "./pod-api.ts";
import { Runner } from "./runner.ts";

const usage = `usage: node sandbox/runner/main.ts OPTIONS
  --node NAME             the node's name
  --node-ip ADDRESSES     its addresses, the preferred first, with commas between
  --kubeconfig FILE
  --node-label KEY        a label of the node, with an empty value
  --cni-conf-dir DIR      its first *.conflist is used; without one the node is not ready
  --cni-bin-dir DIR       the plugins
  --state DIR             what a new runner needs to adopt the pods of an old one
  --socket PATH           unix socket for logs and exec
  --cluster-dns ADDRESSES where pods ask for names, with commas between; none: where the machine asks
  --netns-prefix PREFIX   of the pods' network namespaces (weft-pod-)
`;

const { values } = parseArgs({
  options: {
    node: { type: "string" },
    "node-ip": { type: "string" },
    kubeconfig: { type: "string" },
    "node-label": { type: "string" },
    "cni-conf-dir": { type: "string" },
    "cni-bin-dir": { type: "string" },
    state: { type: "string" },
    socket: { type: "string" },
    "cluster-dns": { type: "string", default: "" },
    "netns-prefix": { type: "string", default: "weft-pod-" },
  },
});

function required(name: Exclude<keyof typeof values, "cluster-dns" | "netns-prefix" | "node-label">): string {
  const value = values[name];
  if (value !== undefined) return value;
  process.stderr.write(`--${name} is missing\n${usage}`);
  process.exit(2);
}

const nodeName = required("node");
const log = (message: string): void => void process.stderr.write(`${new Date().toISOString()} ${message}\n`);
const options = {
  nodeName,
  nodeIps: required("node-ip").split(","),
  nodeLabels: values["node-label"] === undefined ? {} : { [values["node-label"]]: "" },
  stateDirectory: required("state"),
  cniConfigDirectory: required("cni-conf-dir"),
  cniBinaryDirectory: required("cni-bin-dir"),
  clusterDns: values["cluster-dns"].split(",").filter(Boolean),
  netnsPrefix: values["netns-prefix"],
  socket: required("socket"),
  log,
};

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
const client = new KubeClient(await loadKubeconfig(required("kubeconfig")), { userAgent: "kubelet" });
const events = new EventRecorder({ client, component: "kubelet", host: nodeName });
await new Runner(client, podApi(client, events), options).run(stop.signal);
process.exit(0); // workers still wait for their pods
