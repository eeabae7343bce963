// The commands use TLS with OVN's databases, and explain why that fails.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type RunResult, tryRun } from "../../sandbox/process/run.ts";
import { createAuthority, createCertificate } from "../real/certificates.ts";
import { freePort, type OvsdbServer, run, startServer } from "../real/ovsdbServer.ts";
import { bounded, schemaFile, startEngine, switchFacts } from "./engineWorld.ts";

const weft = join(import.meta.dirname, "../../bin/weft");
let folder = "";
let server: OvsdbServer;
let remote = "";
const file = (name: string): string => join(folder, name);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-tls-"));
  for (const authority of ["ca", "stranger"]) await createAuthority(folder, authority);
  for (const name of ["server", "client"]) await createCertificate(folder, name, "ca");
  await run("ovsdb-tool", ["create", file("db"), schemaFile]);
  const port = await freePort();
  remote = `ssl:127.0.0.1:${port}`;
  const args = [
    ...[`--remote=pssl:${port}:127.0.0.1`, `--ca-cert=${file("ca")}`],
    ...[`--certificate=${file("server")}`, `--private-key=${file("server-key")}`],
  ];
  server = await startServer(folder, file("db"), await freePort(), { args });
  const leader = await startEngine({ remote: server.remote });
  leader.desired.replace("node/n1", switchFacts("n1"));
  await leader.engine.settled();
  await leader.stop();
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const known = (): readonly string[] => ["--certificate", file("client"), "--private-key", file("client-key")];
const teardown = (...flags: readonly string[]): Promise<RunResult> =>
  tryRun([weft, "teardown", "--cluster", "demo", "--dry-run", "--northbound", remote, ...flags], {
    timeoutMs: 30_000,
  });

test("with certificates of one authority a command reads the database", bounded, async () => {
  const { status, stdout, stderr } = await teardown("--ca-cert", file("ca"), ...known());
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^would delete 1 rows of cluster demo: 1 Logical_Switch\n/);
});

test("weft status reads it too, and names the database that does not answer", bounded, async () => {
  const { stdout } = await tryRun(
    [
      ...[weft, "status", "-o", "json", "--timeout", "1", "--kubeconfig", "/dev/null"],
      ...["--northbound", remote, "--southbound", "ssl:127.0.0.1:1", "--ca-cert", file("ca"), ...known()],
    ],
    { timeoutMs: 30_000 },
  );
  assert.match(stdout, /southbound: ssl:127\.0\.0\.1:1 did not answer: connection failed/);
  assert.doesNotMatch(stdout, /northbound: /);
});

const failures: readonly (readonly [string, () => readonly string[], RegExp])[] = [
  ["without an authority", () => known(), /needs --ca-cert/],
  [
    "with another authority",
    () => ["--ca-cert", file("stranger"), ...known()],
    /is not signed by the authority/,
  ],
  ["without a certificate", () => ["--ca-cert", file("ca")], /the server wants a certificate/],
  [
    "with a file that is not there",
    () => ["--ca-cert", file("none"), ...known()],
    /cannot read the authority's/,
  ],
];
for (const [what, flags, message] of failures)
  test(`${what} it says what is wrong`, bounded, async () => {
    const { status, stderr } = await teardown("--timeout", "1", ...flags());
    assert.equal(status, 2);
    assert.match(stderr, message);
  });
