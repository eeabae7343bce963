import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { generatedModule } from "../ovsdb/codegen.ts";

const here = import.meta.dirname;

test("the generated row types are those of the schemas beside them; if not, run make codegen", async () => {
  const schemas = (await readdir(join(here, "schemas"))).filter((name) => name.endsWith(".ovsschema"));
  assert.deepEqual(schemas.sort(), ["northbound.ovsschema", "southbound.ovsschema", "vswitch.ovsschema"]);
  for (const schema of schemas) {
    const { path, text } = await generatedModule(join(here, "schemas", schema), here);
    assert.equal(await readFile(path, "utf8"), text, path);
  }
});
