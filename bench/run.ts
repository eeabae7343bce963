// `make bench`: runs each bench, prints one table at the end and writes the same as JSON. Exit status 0 even when an
// aim is missed, because a shared machine is no judge; the table shows which aims were missed.

import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { chosenFolder, machineVersion } from "../sandbox/ovn/choice.ts";
import { benches } from "./benches.ts";
import { type Figure, figureTable, meets, ratioOf } from "./figure.ts";

const { values: options } = parseArgs({ options: { only: { type: "string" } } });
const wanted = options.only?.split(",") ?? benches.map((bench) => bench.name);
const unknown = wanted.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  console.error(
    `bench: no bench ${unknown.join(", ")}; there are ${benches.map((bench) => bench.name).join(", ")}`,
  );
  process.exit(2);
}

const results: { name: string; about: string; figures: readonly Figure[] }[] = [];
for (const bench of benches.filter((each) => wanted.includes(each.name))) {
  console.log(`${bench.name}: ${bench.about}`);
  const figures = await bench.run((line) => console.log(`  ${line}`));
  results.push({ name: bench.name, about: bench.about, figures });
}

console.log(`\n${figureTable(results.flatMap((result) => result.figures))}`);
mkdirSync("bench/out", { recursive: true });
const file = `bench/out/${new Date().toISOString().replaceAll(/[:.]/g, "-")}.json`;
const machine = {
  cores: cpus().length,
  model: cpus()[0]?.model,
  memoryBytes: totalmem(),
  node: process.version,
  /** The folder of the OVN in use, or the machine's own OVN. */
  ovn: chosenFolder() ?? `host, Open vSwitch ${machineVersion()}`,
};
const judged = results.map((result) => ({
  ...result,
  figures: result.figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), met: meets(figure) })),
}));
writeFileSync(file, `${JSON.stringify({ machine, results: judged }, undefined, 2)}\n`);
console.log(`JSON: ${file}`);
