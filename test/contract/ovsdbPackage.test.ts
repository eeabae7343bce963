// The packed library in an empty TypeScript project: installed offline from its tarball, type-checked, its command
// generates code, and it runs with a real server on this project's Node and on the machine's own.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { northboundSchema, run, startOvsdbServer, vswitchSchema } from "../real/ovsdbServer.ts";

const root = join(import.meta.dirname, "../..");

const program = `import { isOvsdbError, Session, Transaction } from "@weft/ovsdb";
import { ovnNb } from "./ovn-nb.gen.ts";
import { vswitch } from "./vswitch.gen.ts";

declare const process: { readonly argv: readonly string[]; readonly version: string };

const session = new Session({ remotes: [process.argv[2] ?? ""], database: "Open_vSwitch" });
const replica = session.replica(vswitch, { Open_vSwitch: true });
session.start();
await replica.ready(AbortSignal.timeout(10_000));
const uuid = crypto.randomUUID();
await session.transact(new Transaction(vswitch).insert("Open_vSwitch", { db_version: process.version }, uuid));
const version: string | undefined = replica.table("Open_vSwitch").get(uuid)?.db_version;
// @ts-expect-error no such column
new Transaction(vswitch).insert("Open_vSwitch", { nonsense: 1 });
const refused = await session
  .transact(new Transaction(vswitch).insert("Open_vSwitch", {}, uuid))
  .catch((error: unknown) => isOvsdbError(error) && error.code);
await session.transact(new Transaction(vswitch).delete("Open_vSwitch", uuid));
await session[Symbol.asyncDispose]();
const set = new Transaction(ovnNb).insert("Address_Set", { name: "a" });
console.log(version, refused, set.size);
`;

/** The Node of a user of this machine, found as a shell finds it but not among this project's packages. */
const machineNode = (process.env.PATH ?? "")
  .split(":")
  .filter((folder) => !folder.includes("node_modules"))
  .map((folder) => join(folder, "node"))
  .find(existsSync);

test("the tarball installs and works with its types in an empty project", { timeout: 120_000 }, async () => {
  await run("make", ["-C", root, "pack-ovsdb"]);
  const tarball = (await readdir(join(root, "build"))).find((name) => /^weft-ovsdb-.*\.tgz$/.test(name));
  assert(tarball !== undefined);
  const folder = await mkdtemp(join(tmpdir(), "weft-package-"));
  try {
    await writeFile(join(folder, "package.json"), '{ "name": "empty", "private": true, "type": "module" }');
    await run("npm", ["install", "--offline", "--prefix", folder, join(root, "build", tarball)]);
    assert.deepEqual(
      (await readdir(join(folder, "node_modules"))).filter((name) => !name.startsWith(".")),
      ["@weft"],
    );
    // The name in Debian's ovn-common, which is not an identifier.
    const northbound = join(folder, "ovn-nb.ovsschema");
    await copyFile(northboundSchema, northbound);
    const codegen = join(folder, "node_modules/.bin/ovsdb-codegen");
    await run(codegen, ["--out", folder, vswitchSchema, northbound]);
    await run(codegen, ["--check", "--out", folder, vswitchSchema, northbound]);
    await writeFile(join(folder, "program.ts"), program);
    assert.match(await run(codegen, ["--help"]), /--check .*--library MODULE/s);
    for (const [args, message] of [
      [[], /--out says where/],
      [["--out", folder], /no \.ovsschema file/],
      [["--nonsense"], /--nonsense/],
      [["--out", folder, "nothing.ovsschema"], /nothing\.ovsschema: ENOENT/],
      [["--out", folder, "package.json"], /package\.json: database schema: tables: expected an object/],
    ] as const)
      await assert.rejects(run("sh", ["-c", 'cd "$0" && exec "$@"', folder, codegen, ...args]), message);
    const readme = await readFile(join(folder, "node_modules/@weft/ovsdb/README.md"), "utf8");
    const [, config = ""] = /^```json\n(.*?)^```$/ms.exec(readme) ?? [];
    // With every check on the library's own declarations, which a user would leave out.
    const { compilerOptions }: { compilerOptions: object } = JSON.parse(config);
    const more = { outDir: "out", skipLibCheck: false, types: [], noUnusedLocals: true };
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...compilerOptions, ...more }, include: ["*.ts"] }),
    );
    // tsc writes its errors to standard output.
    await run("sh", ["-c", `"$0" -p "$1" >&2`, join(root, "node_modules/.bin/tsc"), folder]);
    await using server = await startOvsdbServer(vswitchSchema);
    for (const node of new Set([process.execPath, machineNode ?? process.execPath])) {
      const version = (await run(node, ["--version"])).trim();
      const printed = await run(node, [join(folder, "out/program.js"), server.remote]);
      assert.equal(printed.trim(), `${version} duplicate uuid 1`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
