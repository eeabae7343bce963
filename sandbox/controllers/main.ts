// The controllers of the sandbox's cluster as one process, ordinary clients of the API: scheduler, EndpointSlices,
// workloads, disruption budgets, namespaces, pod garbage. The API server itself deals with owner references.

import { parseArgs } from "node:util";
import { OwnerQueue } from "../../src/controller/queue.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { EventRecorder } from "../../src/kube/recorder.ts";
import { Semaphore } from "../../src/kube/semaphore.ts";
import { watchResource } from "../../src/kube/watch.ts";
import { rawKinds } from "../client/kinds.ts";
import type { Context, Controller, Stores } from "./context.ts";
import { daemonSetController } from "./daemon-sets.ts";
import { deploymentController } from "./deployments.ts";
import { disruptionController } from "./disruption.ts";
import { endpointSliceController } from "./endpoint-slices.ts";
import { jobController } from "./jobs.ts";
import { namespaceController } from "./namespaces.ts";
import { podGarbageCollector } from "./pod-gc.ts";
import { replicaSetController } from "./replica-sets.ts";
import { scheduler } from "./scheduler.ts";
import { statefulSetController } from "./stateful-sets.ts";

const { values } = parseArgs({ options: { kubeconfig: { type: "string" } } });
if (values.kubeconfig === undefined) {
  process.stderr.write("usage: node sandbox/controllers/main.ts --kubeconfig FILE\n");
  process.exit(2);
}

const log = (message: string): void => void process.stderr.write(`${new Date().toISOString()} ${message}\n`);
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());
const client = new KubeClient(await loadKubeconfig(values.kubeconfig), {
  userAgent: "kube-controller-manager",
});
const events = new EventRecorder({ client, component: "sandbox-controllers" });

const watching = {
  signal: stop.signal,
  log: (level: string, message: string) => log(`${level}: ${message}`),
};
const stores: Stores = {
  nodes: watchResource(client, rawKinds.node, watching),
  namespaces: watchResource(client, rawKinds.namespace, watching),
  pods: watchResource(client, rawKinds.pod, {
    ...watching,
    indexes: { node: (pod) => [pod.raw.spec.nodeName ?? ""] },
  }),
  services: watchResource(client, rawKinds.service, watching),
  slices: watchResource(client, rawKinds.endpointSlice, watching),
  deployments: watchResource(client, rawKinds.deployment, watching),
  replicaSets: watchResource(client, rawKinds.replicaSet, watching),
  statefulSets: watchResource(client, rawKinds.statefulSet, watching),
  daemonSets: watchResource(client, rawKinds.daemonSet, watching),
  jobs: watchResource(client, rawKinds.job, watching),
  budgets: watchResource(client, rawKinds.budget, watching),
};
const context: Context = {
  client,
  stores,
  event: ({ metadata: { namespace = "", name, uid = "" } }, type, reason, message) =>
    events.record({ kind: "Pod", namespace, name, uid }, type, reason, message),
};
const controllers = [
  scheduler(context),
  endpointSliceController(context),
  deploymentController(context),
  replicaSetController(context),
  statefulSetController(context),
  daemonSetController(context),
  jobController(context),
  disruptionController(context),
  namespaceController(context),
  podGarbageCollector(context),
];
const queues = controllers.map(queueOf);

// Nothing is decided before every store is complete: a scheduler that knows only half of the pods overloads a node.
await Promise.all(Object.values(stores).map((store) => store.ready(stop.signal)));
log(`watching; ${controllers.map(({ name }) => name).join(", ")} at work`);
await Promise.all(queues.map((queue) => queue.run(stop.signal)));
await events[Symbol.asyncDispose]();

function queueOf(controller: Controller): OwnerQueue {
  const places = new Semaphore(16);
  const queue = new OwnerQueue({
    work: async (key) => {
      const [namespace = "", name = ""] = key.split("/");
      try {
        await places.run(() => controller.sync(namespace, name));
      } catch (error) {
        log(`${controller.name} ${key}: ${error instanceof Error ? error.message : String(error)}`);
        throw error;
      }
    },
    firstBackoffMs: 100,
    maxBackoffMs: 5_000,
    random: Math.random,
    sliceMs: 10,
  });
  controller.watch((key) => queue.add(key));
  return queue;
}
