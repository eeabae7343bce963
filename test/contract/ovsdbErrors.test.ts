// What a program is told when something is wrong with its request, its location or its server: always a clear error
// that says what to do. TLS has a file of its own, ovsdbTls.test.ts.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { southbound } from "../../src/ovn/southbound.gen.ts";
import { isOvsdbError, type OvsdbError, Session, Transaction } from "../../src/ovsdb/index.ts";
import { makeFolder } from "../real/atExit.ts";
import { createAuthority, createCertificate } from "../real/certificates.ts";
import {
  freePort,
  northboundSchema,
  type OvsdbServer,
  run,
  southboundSchema,
  startOvsdbServer,
  startServer,
} from "../real/ovsdbServer.ts";
import { startScriptedServer } from "../real/scriptedServer.ts";
import { until } from "../real/until.ts";
import { begin as beginZoo, startZoo, visit, zoo } from "./ovsdbZoo.ts";

const timeout = { timeout: 30_000 };
const database = "OVN_Northbound";
const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const begin = (): Transaction<NorthboundTables> => new Transaction(northbound);

/** Why a session cannot connect. */
async function refusal(remote: string, wanted = database): Promise<OvsdbError> {
  await using session = new Session({ remotes: [remote], database: wanted });
  session.start();
  await until("it is refused", () => session.lastError !== undefined);
  assert(session.lastError);
  assert.notEqual(session.state, "connected");
  return session.lastError;
}

test("a failed connection is explained, with what to look at", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const address = http.address();
  assert(typeof address === "object" && address);
  const cases: readonly (readonly [remote: string, code: string, message: RegExp])[] = [
    ["unix:/nonexistent/db.sock", "connection lost", /ENOENT \/nonexistent\/db.sock; .*is one running there/],
    [`unix:${server.folder}/db`, "connection lost", /ECONNREFUSED .*nothing listens there/],
    [`tcp:127.0.0.1:${await freePort()}`, "connection lost", /ECONNREFUSED .*on this address and port/],
    [`tcp:127.0.0.1:${address.port}`, "protocol error", /message is not a JSON object/],
  ];
  for (const [remote, code, message] of cases) {
    const error = await refusal(remote);
    assert.deepEqual([error.code, error.retryable], [code, true], error.message);
    assert.match(error.message, message);
  }
  http.close();
  for (const remotes of [[], ["127.0.0.1:6641"], ["tcp:[::1:6641"], ["unix:"], ["tcp:a:6641,tcp:b:6641"]])
    assert.throws(() => new Session({ remotes, database }), { code: "invalid remote", retryable: false });
});

test("a missing database is named, together with those that the server has", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  const error = await refusal(server.remote, "OVN_Southbound");
  assert.equal(error.code, "unknown database");
  assert.match(error.message, /no database OVN_Southbound, but .*OVN_Northbound/);
});

test("a value that breaks a rule of the schema is named, with the rule", timeout, async () => {
  await using server = await startOvsdbServer(northboundSchema);
  await using session = new Session({ remotes: [server.remote], database });
  session.start();
  await session.connected(soon());
  const absent = crypto.randomUUID();
  await session.transact(begin().insert("Address_Set", { name: "taken" }));
  const untyped = new Transaction<unknown>(northbound);
  const cases: readonly (readonly [Transaction<NorthboundTables>, string, RegExp])[] = [
    [begin().insert("Logical_Switch_Port", { name: "p", tag: 5000 }), "constraint violation", /5000.*4095/],
    [
      begin().insert("Address_Set", { name: "taken" }),
      "constraint violation",
      /"Address_Set".*\(taken\).*"name"/,
    ],
    [
      begin().insert("NB_Global", {}).insert("NB_Global", {}),
      "constraint violation",
      /NB_Global.*at most 1|at most 1.*NB_Global|limit/,
    ],
    [
      begin().insert("Logical_Switch", { ports: [absent] }),
      "referential integrity violation",
      new RegExp(`Logical_Switch.*ports.*${absent}`),
    ],
    [
      untyped.insert("ACL", { priority: 1, direction: "sideways", match: "1", action: "drop" }),
      "constraint violation",
      /sideways is not one of the allowed values .*from-lport/,
    ],
  ];
  for (const [transaction, code, message] of cases)
    await assert.rejects(session.transact(transaction), (error) => {
      assert(isOvsdbError(error));
      assert.deepEqual(
        [error.code, error.retryable, error.outcome],
        [code, false, "not committed"],
        error.message,
      );
      assert.match(error.message, message);
      return true;
    });
});

test("a role that may not do something is told so, with the rule", timeout, async () => {
  const folder = await makeFolder("weft-rbac-");
  const file = (name: string): string => join(folder, name);
  await createAuthority(folder, "ca");
  for (const name of ["server", "n1"]) await createCertificate(folder, name, "ca");
  await run("ovsdb-tool", ["create", file("db"), southboundSchema]);
  const args = [
    ...[`--private-key=${file("server-key")}`, `--certificate=${file("server")}`, `--ca-cert=${file("ca")}`],
    "--remote=db:OVN_Southbound,SB_Global,connections",
  ];
  await using server = await startServer(folder, file("db"), await freePort(), { args });
  await using root = new Session({ remotes: [server.remote], database: "OVN_Southbound" });
  root.start();
  await root.connected(soon());
  const port = await freePort();
  const [connection, permission] = [crypto.randomUUID(), crypto.randomUUID()];
  await root.transact(
    new Transaction(southbound)
      .insert(
        "Connection",
        { target: `pssl:${port}:127.0.0.1`, role: "ovn-controller", read_only: false },
        connection,
      )
      .insert("SB_Global", { connections: [connection] })
      .insert(
        "RBAC_Permission",
        { table: "Chassis", authorization: ["name"], insert_delete: true, update: ["hostname"] },
        permission,
      )
      .insert("RBAC_Role", { name: "ovn-controller", permissions: new Map([["Chassis", permission]]) }),
  );
  await using session = new Session({
    remotes: [`ssl:127.0.0.1:${port}`],
    database: "OVN_Southbound",
    tls: { caFile: file("ca"), certFile: file("n1"), keyFile: file("n1-key") },
    minBackoffMs: 20,
    maxBackoffMs: 50,
  });
  session.start();
  await session.connected(soon());
  const own = crypto.randomUUID();
  const chassis = (name: string, uuid: string): Transaction => {
    const encap = crypto.randomUUID();
    return new Transaction<unknown>(southbound)
      .insert("Encap", { chassis_name: name, ip: "10.0.0.1", type: "geneve" }, encap)
      .insert("Chassis", { name, encaps: [encap] }, uuid);
  };
  await root.transact(chassis("n1", own));
  await session.transact(new Transaction(southbound).update("Chassis", own, { hostname: "n1" }));
  const refused: readonly (readonly [Transaction, number, RegExp])[] = [
    [new Transaction<unknown>(southbound).update("Chassis", own, { nb_cfg: 1 }), 0, /update.*Chassis/],
    [new Transaction<unknown>(southbound).comment("x").insert("DNS", {}), 1, /insert.*"DNS"/],
    [chassis("n2", crypto.randomUUID()), 0, /"Encap"/],
  ];
  for (const [transaction, operationIndex, message] of refused)
    await assert.rejects(session.transact(transaction), (error) => {
      assert(isOvsdbError(error, "permission error"), String(error));
      assert.deepEqual([error.operationIndex, error.retryable], [operationIndex, false]);
      assert.match(error.message, /client "n1" role "ovn-controller"/);
      assert.match(error.message, message);
      assert.match(error.message, /RBAC_Permission/);
      return true;
    });
  await assert.rejects(session.convert({ name: "OVN_Southbound", version: "1.0.0", tables: {} }), {
    code: "permission error",
  });
});

/** A server whose database is on a disk of its own, of size `size`, that nobody else sees. */
async function startOnDisk(size: string, clustered: boolean): Promise<OvsdbServer> {
  const folder = await makeFolder("weft-ovsdb-");
  const [disk, seed] = [join(folder, "disk"), join(folder, "seed")];
  await mkdir(disk);
  if (clustered) await run("ovsdb-tool", ["create-cluster", seed, northboundSchema, "unix:raft"]);
  else await run("ovsdb-tool", ["create", seed, northboundSchema]);
  const mount = `mount -t tmpfs -o size=${size} tmpfs ${disk} && cp ${seed} ${disk}/db && exec "$0" "$@"`;
  const within = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount];
  return startServer(folder, join(disk, "db"), await freePort(), { within });
}

const large = (): Transaction<NorthboundTables> =>
  begin().insert("Address_Set", { name: crypto.randomUUID(), addresses: ["x".repeat(20_000)] });

/** Writes until the disk is full, and returns the resulting error. */
async function fill(session: Session): Promise<OvsdbError> {
  for (let written = 0; written < 50; written++) {
    const error = await session.transact(large(), { signal: soon() }).catch((reason: unknown) => reason);
    if (isOvsdbError(error)) return error;
  }
  throw new Error("the disk does not fill");
}

test(
  "a full disk is said, nothing is committed, and with room again the session goes on",
  timeout,
  async () => {
    await using server = await startOnDisk("256k", false);
    await using session = new Session({ remotes: [server.remote], database });
    session.start();
    await session.connected(soon());
    const replica = session.replica(northbound, { Address_Set: true });
    await replica.ready(soon());
    const error = await fill(session);
    assert.deepEqual([error.code, error.outcome, error.retryable], ["I/O error", "not committed", true]);
    assert.match(
      error.message,
      /disk\/db: write failed \(No space left on device\); check the server.s disk/,
    );
    const { size } = replica.table("Address_Set");
    await assert.rejects(session.transact(large()), { code: "I/O error" });
    await run("nsenter", [
      ...["--target", String(server.pid), "--mount"],
      ...["mount", "-o", "remount,size=8m", join(server.folder, "disk")],
    ]);
    await session.transact(large());
    assert.equal(replica.table("Address_Set").size, size + 1);
  },
);

test(
  "a cluster member whose disk is full is abandoned, and the outcome of its requests is unknown",
  timeout,
  async () => {
    await using server = await startOnDisk("256k", true);
    await using session = new Session({ remotes: [server.remote], database, minBackoffMs: 20 });
    session.start();
    await session.connected(soon());
    const error = await fill(session);
    assert.deepEqual([error.code, error.outcome], ["connection lost", "unknown"]);
    assert.match(error.message, /has failed: see its log/);
    assert.notEqual(session.state, "connected");
  },
);

test("whoever gives up waiting is told for what, on which remote, and how it stands", timeout, async () => {
  await using server = await startZoo();
  const enough = AbortSignal.abort(new Error("enough"));
  const wrong = "unix:/nonexistent/sock";
  const waits = (session: Session): readonly Promise<unknown>[] => [
    session.connected(enough),
    session.replica(zoo, { Animal: true }).ready(enough),
    session.lock("keeper").acquired(enough),
  ];
  const told = async (session: Session): Promise<string[]> => {
    const outcomes = await Promise.allSettled(waits(session));
    return outcomes.map((outcome) => {
      assert(outcome.status === "rejected" && isOvsdbError(outcome.reason, "canceled"));
      return outcome.reason.message;
    });
  };
  await using session = new Session({ remotes: [wrong], database: "Zoo" });
  for (const message of await told(session))
    assert.match(message, /never started: call start\(\) \(enough\)$/);
  await assert.rejects(session.transact(beginZoo()), { code: "not connected", message: /call start\(\)/ });
  session.start();
  await until("it has tried", () => session.lastError !== undefined);
  await assert.rejects(session.connected(enough), {
    message:
      /^given up waiting for a connection: not connected, last tried unix:\/nonexistent\/sock: .*ENOENT/,
  });

  await using connected = await visit(server.remote);
  await using holder = await visit(server.remote);
  await holder.lock("keeper").acquired(soon());
  const [, copy, lock] = await told(connected);
  assert.equal(
    copy,
    `given up waiting for a copy of Animal: not complete yet from ${server.remote} (enough)`,
  );
  assert.equal(lock, `given up waiting for lock keeper: not granted by ${server.remote} (enough)`);
  await assert.rejects(connected.transact(beginZoo().insert("Animal", {}), { signal: enough }), {
    message: `given up waiting for an answer to transact from ${server.remote} (enough)`,
  });
});

test("a server that accepts and says nothing is named, with what it owes", timeout, async () => {
  await using mute = await startScriptedServer(() => {});
  await using session = new Session({ remotes: [mute.remote], database: "Zoo", connectTimeoutMs: 200 });
  session.start();
  await until("it is given up", () => session.lastError !== undefined);
  assert.match(session.lastError?.message ?? "", /no connection within 200 ms; unanswered: .*get_schema/);
  assert(session.lastError?.message.startsWith(mute.remote));
});
