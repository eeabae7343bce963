// Sessions over TLS with a real ovsdb-server and certificates made by openssl, and each way in which that fails.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Session, type TlsOptions } from "../../src/ovsdb/index.ts";
import { createAuthority, createCertificate } from "../real/certificates.ts";
import { ovnEnvironment } from "../real/ovn.ts";
import { freePort } from "../real/ovsdbServer.ts";
import { begin, startZoo } from "./ovsdbZoo.ts";

const timeout = { timeout: 30_000 };
let folder = "";
const file = (name: string): string => join(folder, name);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-tls-"));
  for (const authority of ["ca", "stranger"]) await createAuthority(folder, authority);
  await createCertificate(folder, "server", "ca");
  await createCertificate(folder, "client", "ca");
  await createCertificate(folder, "foreign", "stranger");
  await createCertificate(folder, "expired", "ca", -1);
});

after(() => rm(folder, { recursive: true }));

const tlsOf = (client: string, authority = "ca"): TlsOptions => ({
  caFile: file(authority),
  certFile: file(client),
  keyFile: file(`${client}-key`),
});

/** A server that listens with TLS, shows the certificate `name`, and requires one of clients. Its remote is `ssl:…`. */
async function startTls(name: string): Promise<AsyncDisposable & { readonly remote: string }> {
  const server = await startZoo();
  await server.stop();
  const port = await freePort();
  const child = spawn(
    "setpriv",
    [
      ...[
        "--pdeathsig=KILL",
        "ovsdb-server",
        `--remote=pssl:${port}:127.0.0.1`,
        `--private-key=${file(`${name}-key`)}`,
      ],
      ...[
        `--certificate=${file(name)}`,
        `--ca-cert=${file("ca")}`,
        `--unixctl=${join(server.folder, "ctl2")}`,
      ],
      ...["--no-chdir", "-vconsole:off", join(server.folder, "db")],
    ],
    { stdio: "ignore", env: ovnEnvironment },
  );
  return {
    remote: `ssl:127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill();
      await exited;
      await server[Symbol.asyncDispose]();
    },
  };
}

const open = (remote: string, tls: TlsOptions): Session => {
  const session = new Session({
    remotes: [remote],
    database: "Zoo",
    tls,
    minBackoffMs: 20,
    maxBackoffMs: 50,
  });
  session.start();
  return session;
};

/** The first thing that goes wrong with TLS. A server that has just been started may not listen yet. */
async function failure(session: Session): Promise<string> {
  const signal = AbortSignal.timeout(10_000);
  for (;;) {
    const { lastError } = session;
    if (lastError?.code === "tls error") return lastError.message;
    await sleep(10, undefined, { signal }).catch((cause: unknown) => {
      throw new Error(`no tls error but ${lastError?.code}: ${lastError?.message}`, { cause });
    });
  }
}

test("both sides show certificates of one authority, and transactions pass", timeout, async () => {
  await using server = await startTls("server");
  for (const tls of [tlsOf("client"), { ...tlsOf("client"), serverName: "server.example.org" }]) {
    await using session = open(server.remote, tls);
    await session.connected(AbortSignal.timeout(10_000));
    await session.transact(begin().insert("Animal", { name: "x".repeat(100_000) }));
  }
  await using other = open(server.remote.replace("ssl:", "tls:"), tlsOf("client"));
  await other.connected(AbortSignal.timeout(10_000));
});

test("whatever is wrong is reported", timeout, async () => {
  await using server = await startTls("server");
  await using old = await startTls("expired");
  await using plain = await startZoo();
  await writeFile(file("garbage"), "no PEM");
  const { certFile: _, keyFile: __, ...without } = tlsOf("client");
  const cases: readonly (readonly [TlsOptions, RegExp, string?])[] = [
    [tlsOf("client", "stranger"), /server's certificate is not signed by the authority in caFile/],
    [{ ...tlsOf("client"), serverName: "other.example.org" }, /for another name than serverName/],
    [tlsOf("client"), /server's certificate, or its authority's, has expired/, old.remote],
    [tlsOf("foreign"), /the server does not know the authority of certFile/],
    [tlsOf("expired"), /the certificate in certFile has expired/],
    [without, /the server wants a certificate/],
    [tlsOf("client"), /does it speak TLS on this port/, plain.tcpRemote.replace("tcp:", "ssl:")],
    [tlsOf("absent"), /cannot read the certificate: ENOENT.*absent/],
    [tlsOf("client", "garbage"), /not signed by the authority|no good PEM/],
    [{ ...tlsOf("client"), certFile: file("garbage") }, /no good PEM in .*garbage/],
    [{ ...tlsOf("client"), keyFile: file("foreign-key") }, /the key does not belong to the certificate/],
    [{ ...without, certFile: file("client") }, /a certificate needs its key/],
  ];
  for (const [tls, message, remote = server.remote] of cases) {
    await using session = open(remote, tls);
    assert.match(await failure(session), message, String(message));
  }
  assert.throws(() => new Session({ remotes: ["ssl:a:1"], database: "Zoo" }), { code: "invalid remote" });
});

test("renewed certificates are used from the next connection on", timeout, async () => {
  await using server = await startTls("server");
  const tls = { caFile: file("ca"), certFile: file("renewed"), keyFile: file("renewed-key") };
  await copyFile(file("expired"), tls.certFile);
  await copyFile(file("expired-key"), tls.keyFile);
  await using session = open(server.remote, tls);
  await failure(session);
  await copyFile(file("client"), tls.certFile);
  await copyFile(file("client-key"), tls.keyFile);
  await session.connected(AbortSignal.timeout(10_000));
});
