// `make bench`: runs each bench, prints one table at the end and writes the same as JSON. Exit status 0 also when an
// aim is missed: a machine that others share is no judge; the table says which. It is 1 when a bench fails; the others run
// all the same. `OVN` chooses the OVN, as for every target of make.

import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { benches } from "./benches.ts";
import { type Figure, figureTable, meets, ratioOf } from "./figure.ts";
import { machine } from "./machine.ts";

const { values: options } = parseArgs({ options: { only: { type: "string" } } });
const wanted = options.only?.split(",") ?? benches.map((bench) => bench.name);
const unknown = wanted.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  console.error(
    `bench: no bench ${unknown.join(", ")}; there are ${benches.map((bench) => bench.name).join(", ")}`,
  );
  process.exit(2);
}

const on = machine();
const versions = `OVN ${on.ovn}, Open vSwitch ${on.openVSwitch}`;
console.log(`with ${versions}`);
const results: { name: string; about: string; figures: readonly Figure[] }[] = [];
const failed: string[] = [];
for (const bench of benches.filter((each) => wanted.includes(each.name))) {
  console.log(`${bench.name}: ${bench.about}`);
  try {
    const figures = await bench.run((line) => console.log(`  ${line}`));
    results.push({ name: bench.name, about: bench.about, figures });
  } catch (error) {
    failed.push(bench.name);
    console.error(`${bench.name} failed:`, error);
  }
}

console.log(`\nmeasured with ${versions}:\n${figureTable(results.flatMap((result) => result.figures))}`);
mkdirSync("bench/out", { recursive: true });
const file = `bench/out/${new Date().toISOString().replaceAll(/[:.]/g, "-")}.json`;
const judged = results.map((result) => ({
  ...result,
  figures: result.figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), met: meets(figure) })),
}));
writeFileSync(file, `${JSON.stringify({ machine: on, results: judged, failed }, undefined, 2)}\n`);
console.log(`JSON: ${file}`);
if (failed.length > 0) {
  console.error(`failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
