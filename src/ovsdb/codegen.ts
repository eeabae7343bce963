#!/usr/bin/env node
// The command that turns .ovsschema files into modules of row types: NAME.ovsschema becomes NAME.gen.ts, which
// exports the constant NAME, or what comes closest to it in TypeScript. With --check nothing is written, and a stale file is an error.

import { realpathSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseExactly } from "./exactJson.ts";
import { rowTypes } from "./rowTypes.ts";

const here = fileURLToPath(import.meta.url);
/** Whether this runs from the npm package; then it generates for programs that have installed the package. */
const packed = here.endsWith(".js");
const command = packed ? "ovsdb-codegen" : "make codegen";
const usage = "usage: ovsdb-codegen [--check] [--library MODULE] --out FOLDER SCHEMA.ovsschema…";

export interface GeneratedModule {
  readonly path: string;
  readonly text: string;
}

/** The module for one schema file, for the folder `out`. */
export async function generatedModule(
  schemaPath: string,
  out: string,
  library = packed ? "@weft/ovsdb" : relative(out, join(dirname(here), "index.ts")),
): Promise<GeneratedModule> {
  const name = basename(schemaPath, ".ovsschema");
  const json: unknown = parseExactly(await readFile(schemaPath, "utf8"));
  return {
    path: join(out, `${name}.gen.ts`),
    text: rowTypes(json, { name, library, command }),
  };
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { check: { type: "boolean" }, library: { type: "string" }, out: { type: "string" } },
    allowPositionals: true,
  });
  if (values.out === undefined || positionals.length === 0) {
    console.error(usage);
    return 2;
  }
  if (!values.check) await mkdir(values.out, { recursive: true });
  let stale = 0;
  for (const schemaPath of positionals) {
    const { path, text } = await generatedModule(schemaPath, values.out, values.library);
    if (!values.check) await writeFile(path, text);
    else if ((await readFile(path, "utf8")) !== text) {
      console.error(`${path} is stale: run ${command}`);
      stale++;
    }
  }
  return stale > 0 ? 1 : 0;
}

/** `import.meta.main` for Node 20. A package's command is started through a link. */
const started = process.argv[1];
if (started !== undefined && realpathSync(started) === here)
  process.exitCode = await main(process.argv.slice(2));
