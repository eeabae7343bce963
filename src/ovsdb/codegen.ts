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
const help = `${usage}

Writes FOLDER/NAME.gen.ts for each NAME.ovsschema: row types for every table, and a constant with the schema.

  --out FOLDER      where to write; it is made if it is not there
  --check           write nothing; exit with 1 if a file is not as it would be written
  --library MODULE  what the files import from, by default @weft/ovsdb
  --help            this text

Schemas are in /usr/share/openvswitch and /usr/share/ovn, and "ovsdb-client get-schema SERVER DATABASE" prints one.`;

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
  try {
    const json = parseExactly(await readFile(schemaPath, "utf8"));
    return { path: join(out, `${name}.gen.ts`), text: rowTypes(json, { name, library, command }) };
  } catch (cause) {
    throw new Error(`${schemaPath}: ${messageOf(cause)}`, { cause });
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      check: { type: "boolean" },
      help: { type: "boolean", short: "h" },
      library: { type: "string" },
      out: { type: "string" },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (values.out === undefined) throw new Error(`--out says where to write, and is missing\n${usage}`);
  if (positionals.length === 0) throw new Error(`no .ovsschema file is given\n${usage}`);
  if (!values.check) await mkdir(values.out, { recursive: true });
  let stale = 0;
  for (const schemaPath of positionals) {
    const { path, text } = await generatedModule(schemaPath, values.out, values.library);
    if (!values.check) await writeFile(path, text);
    else if ((await readFile(path, "utf8").catch(() => undefined)) !== text) {
      console.error(`${path} is stale: run ${command}`);
      stale++;
    }
  }
  return stale > 0 ? 1 : 0;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** `import.meta.main` for Node 20. A package's command is started through a link. */
const started = process.argv[1];
if (started !== undefined && realpathSync(started) === here)
  process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(`${command}: ${messageOf(error)}`);
    return 2;
  });
