// `make demo` and `make demo-underlay`: a cluster from nothing to a table in which every path works, left running to
// try out. The last line is `demo: N/N paths ok`, and the exit status is 0 only if all paths work.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { plainAddress } from "../host.ts";
import { run } from "../process/run.ts";
import type { Sandbox } from "../sandbox.ts";
import { upSandbox } from "../up.ts";
import { birthOf, printedBirth } from "./birth.ts";
import { matrix } from "./matrix.ts";
import { demoApps, demoObjects } from "./objects.ts";
import { type Place, pathsBetween } from "./paths.ts";
import { nodePlaces, otherPlaces, podPlaces, servicePlaces } from "./places.ts";
import { checkPaths } from "./probe.ts";

const start = performance.now();
const say = (line: string): void =>
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(5)} s  ${line}`);

const { values: flags } = parseArgs({
  options: {
    name: { type: "string", default: "demo" },
    nodes: { type: "string", default: "3" },
    underlay: { type: "boolean", default: false },
    cloud: { type: "string" },
  },
});

try {
  const sandbox = await upSandbox({
    name: flags.name,
    nodes: Number(flags.nodes),
    mode: flags.underlay ? "underlay" : "overlay",
    ...(flags.cloud !== undefined && { cloud: flags.cloud }),
    progress: console.log,
  });
  const places = await deploy(sandbox);
  const checked = await checkPaths(sandbox, pathsBetween(places), (from, ok, all) =>
    say(`from ${from.name}: ${ok}/${all} paths ok`),
  );
  console.log(`\n${matrix(places, checked)}\n`);
  printBirth(sandbox, places);
  printNext(sandbox);
  const ok = checked.filter(({ result }) => result.ok).length;
  console.log(`demo: ${ok}/${checked.length} paths ok`);
  process.exitCode = ok === checked.length && ok > 0 ? 0 : 1;
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  console.error(
    "to see what runs: bin/weft sandbox status; to see why: bin/weft sandbox logs; to remove it: make down",
  );
  process.exitCode = 2;
}

/** Creates the demo's objects, waits until all pods are ready, and returns the places. */
async function deploy(sandbox: Sandbox): Promise<readonly Place[]> {
  const env = { KUBECONFIG: sandbox.kubeconfig };
  const kubectl = (args: readonly string[], input?: string): Promise<string> =>
    run(["kubectl", ...args], { env, timeoutMs: 120_000, ...(input !== undefined && { input }) });
  await kubectl(["wait", "--for=condition=Ready", "node", "--all", "--timeout=60s"]);
  const nodes = nodePlaces(await kubectl(["get", "nodes", "-o", "json"]));
  say(`${nodes.length} nodes are ready`);
  const names = nodes.map(({ name }) => name);
  await kubectl(["apply", "-f", "-"], JSON.stringify(demoObjects(names, sandbox.layout.families)));
  const pods = await Promise.all(
    demoApps.map(async ({ namespace }) => {
      await kubectl(["wait", "--for=condition=Ready", "pod", "--all", "-n", namespace, "--timeout=90s"]);
      return podPlaces(await kubectl(["get", "pods", "-n", namespace, "-o", "json"]));
    }),
  );
  say(`${pods.flat().length} pods are ready`);
  const services = servicePlaces(await kubectl(["get", "services", "-A", "-o", "json"]));
  return [...pods.flat(), ...services, ...nodes, ...otherPlaces(sandbox.layout)];
}

function printBirth(sandbox: Sandbox, places: readonly Place[]): void {
  const log = join(sandbox.layout.processDirectory, "controller.log");
  const born = places
    .filter(({ sort }) => sort === "pod")
    .map(({ name }) => ({ name, timeline: birthOf(log, name) }))
    .find(({ timeline }) => timeline !== undefined);
  if (born?.timeline) console.log(`${born.name} was born: ${printedBirth(born.timeline)}\n`);
}

function printNext(sandbox: Sandbox): void {
  const named = sandbox.layout.name === "demo" ? "" : ` --name ${sandbox.layout.name}`;
  const { central, name, tenant, outside } = sandbox.layout;
  const other = plainAddress((tenant?.machine ?? outside).addresses[0] ?? "");
  const cluster = tenant ? ` --cluster ${name}` : "";
  const kubectl = `kubectl --kubeconfig ${sandbox.kubeconfig}`;
  console.log(
    [
      "A pod here is a process of this machine in namespaces of its own, on a read-only view of the disk; its image is ignored.",
      "It stays up. Try:",
      `  ${kubectl} get pods -A -o wide`,
      `  ${kubectl} exec -n shop web-n1 -- ping -c 3 ${other}`,
      `  ${kubectl} exec -n shop web-n1 -- ip address`,
      `  ${kubectl} exec -n shop web-n1 -- getent hosts till.bank`,
      `  KUBECONFIG=${sandbox.kubeconfig} OVN_NB_DB=unix:${central.northboundSocket} OVN_SB_DB=unix:${central.southboundSocket} bin/weft status${cluster} --probe`,
      `  bin/weft sandbox status${named}`,
      `  bin/weft sandbox exec${named} central -- ovn-nbctl show`,
      ...(tenant
        ? [
            `  bin/weft sandbox up --mode underlay --name second --cloud ${name}   (another tenant, equal addresses)`,
          ]
        : []),
      `Stop it: ${named ? `bin/weft sandbox down${named}` : "make down"}`,
    ].join("\n"),
  );
}
