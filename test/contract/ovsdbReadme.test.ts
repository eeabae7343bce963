// The examples in the library's README, extracted as they are, type-checked and run with a real server.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { vswitch } from "../../src/ovn/vswitch.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { run, startOvsdbServer, vswitchSchema } from "../real/ovsdbServer.ts";

const root = join(import.meta.dirname, "../..");
const library = join(root, "src/ovsdb");

interface Example {
  readonly code: string;
  readonly prints: readonly string[];
}

async function examples(): Promise<Example[]> {
  const readme = await readFile(join(library, "README.md"), "utf8");
  return [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, text = ""]) => ({
    code: text,
    prints: [...text.matchAll(/^\/\/ ▶ (.*)$/gm)].map(([, line = ""]) => line),
  }));
}

test("each example of the README compiles and prints what it says", { timeout: 60_000 }, async () => {
  await using server = await startOvsdbServer(vswitchSchema);
  await using session = new Session({ remotes: [server.remote], database: "Open_vSwitch" });
  session.start();
  await session.connected(AbortSignal.timeout(10_000));
  const [face, port, bridge] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
  await session.transact(
    new Transaction(vswitch)
      .insert("Interface", { name: "br-int", type: "internal" }, face)
      .insert("Port", { name: "br-int", interfaces: [face] }, port)
      .insert("Bridge", { name: "br-int", ports: [port], fail_mode: "secure" }, bridge)
      .insert("Open_vSwitch", { bridges: [bridge] }),
  );
  // Beside the sources, because TypeScript in node_modules is not run.
  await mkdir(join(root, "build"), { recursive: true });
  const folder = await mkdtemp(join(root, "build/readme-"));
  try {
    await run(process.execPath, [
      join(library, "codegen.ts"),
      ...["--library", "@weft/ovsdb", "--out", folder, vswitchSchema],
    ]);
    const index = JSON.stringify(join(library, "index.ts"));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    const here = (code: string): string =>
      code.replaceAll('"@weft/ovsdb"', index).replaceAll("unix:/run/openvswitch/db.sock", server.remote);
    const generated = join(folder, "vswitch.gen.ts");
    await writeFile(generated, here(await readFile(generated, "utf8")));
    const all = await examples();
    assert(all.length >= 5);
    for (const [at, { code }] of all.entries()) await writeFile(join(folder, `${at}.ts`), here(code));
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: join(root, "tsconfig.json"), include: ["*.ts"] }),
    );
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    // tsc writes its errors to standard output.
    await run("sh", ["-c", `"$0" -p "$1" >&2`, join(root, "node_modules/.bin/tsc"), folder]);
    for (const [at, { prints }] of all.entries()) {
      const printed = await run(process.execPath, [join(folder, `${at}.ts`)]);
      assert.deepEqual(printed.trimEnd().split("\n"), prints, `example ${at}`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
