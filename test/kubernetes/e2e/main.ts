// `make e2e`: Kubernetes' own network tests on a cluster of this machine, then the contract tests of the embedded API
// against the real one. Last line: `N passed, N failed, N skipped`.
//
//     main.ts [--focus REGEX] [--skip REGEX] [--procs N] [--nodes N] [--families 4,6] [--name NAME] [--install chart|chart-underlay|…]

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { familiesIn } from "../cluster/families.ts";
import { upCluster } from "../cluster/up.ts";
import { clusterIdOf } from "../install/cloud.ts";
import { installationNamed } from "../install/installations.ts";
import { contractRows } from "./contract.ts";
import { excusesIn } from "./excuses.ts";
import { runSpecs } from "./ginkgo.ts";
import { hostNftRows } from "./hostNft.ts";
import { ownNodeRows } from "./ownNode.ts";
import { resultTable } from "./print.ts";
import { refusalRows } from "./refusals.ts";
import { usesOf } from "./rights.ts";
import { countsOf, rowsOf, untriedPattern } from "./verdict.ts";

const { values } = parseArgs({
  options: {
    name: { type: "string", default: "kubernetes" },
    nodes: { type: "string", default: "2" },
    focus: { type: "string", default: "" },
    skip: { type: "string", default: "" },
    procs: { type: "string", default: "4" },
    families: { type: "string", default: "4,6" },
    install: { type: "string", default: "chart" },
  },
});
const everything = String.raw`\[sig-network\]`;

try {
  const installation = installationNamed(values.install);
  const families = familiesIn(values.families);
  const excuses = excusesIn(installation.mode, families);
  const cluster = await upCluster({
    name: values.name,
    nodes: Number(values.nodes),
    families,
    installation,
    progress: console.log,
  });
  const folder = join(
    import.meta.dirname,
    "../../../build/e2e",
    new Date().toISOString().replaceAll(":", ""),
  );
  await mkdir(folder, { recursive: true });
  const focus = values.focus || everything;
  const skip = [untriedPattern(excuses), values.skip].filter(Boolean).join("|");
  const selection = { focus, skip, processes: Number(values.procs) };
  const specs = await runSpecs(cluster, folder, selection, console.log);
  const uses = usesOf(await readFile(cluster.places.audit.log, "utf8"), installation.roles);
  const rows = [
    ...rowsOf(specs, excuses, new RegExp(focus)),
    // A focus is about specs; without one, everything is judged.
    ...(values.focus ? [] : await contractRows(cluster, console.log)),
    ...(values.focus ? [] : await ownNodeRows(cluster, clusterIdOf(cluster.places.layout))),
    ...(values.focus ? [] : await refusalRows(cluster)),
    ...(values.focus ? [] : await hostNftRows(cluster)),
    ...uses.map(({ row }) => row),
  ];
  for (const { row, unused } of uses) console.log(`${row.name}: not used: ${unused.join(", ") || "none"}`);
  await writeFile(join(folder, "result.json"), `${JSON.stringify(rows, undefined, 2)}\n`);
  console.log(`\n${resultTable(rows)}\n`);
  console.log(`details: ${folder}/result.json and ginkgo.log; the cluster is still up: make down`);
  const { passed, failed, skipped } = countsOf(rows);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
} catch (error) {
  console.error(`weft e2e: ${error instanceof Error ? error.message : String(error)}`);
  if (process.env["WEFT_DEBUG"] && error instanceof Error) console.error(error.stack);
  process.exitCode = 2;
}
