// OVN's databases as a RAFT cluster on three members, each begun, configured and looked after as the chart's containers do
// it, with real servers and TLS.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { backup, restore } from "../../src/backup/backup.ts";
import { beginDatabase } from "../../src/central/begin.ts";
import { Keeper } from "../../src/central/keeper.ts";
import {
  type DatabaseName,
  databaseNames,
  type Member,
  places,
  remoteOf,
} from "../../src/central/members.ts";
import { parseRaftStatus, type RaftStatus } from "../../src/central/raftStatus.ts";
import { silent, systemClock } from "../../src/kube/clock.ts";
import { parseIp } from "../../src/model/ip.ts";
import { unixctl } from "../../src/node/ovs/unixctl.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, type TlsOptions, Transaction } from "../../src/ovsdb/index.ts";
import { renewed } from "../../src/signer/renewal.ts";
import { makeFolder, removeFolder, untilExit } from "../real/atExit.ts";
import { commitOnce } from "../real/commitOnce.ts";
import { ovnEnvironment } from "../real/ovn.ts";
import { northboundSchema, southboundSchema } from "../real/ovsdbServer.ts";
import { until } from "../real/until.ts";

const timeout = { timeout: 120_000 };
const name = "northbound";
const { database, port } = places[name];
const soon = (): AbortSignal => AbortSignal.timeout(40_000);
const day = 86_400_000;

let folder = "";
let tls: TlsOptions;
/** On addresses of this machine that no other run has. */
const network = `127.${randomInt(1, 255)}.${randomInt(1, 255)}`;
const members: readonly Member[] = ["a", "b", "c"].flatMap((node, index) => {
  const address = parseIp(`${network}.${index + 1}`);
  return address ? [{ node, address }] : [];
});
/** One member: its disk, its two servers, its keeper. */
class Home {
  readonly member: Member;
  readonly #servers: ChildProcess[] = [];
  #keeper: { readonly keeper: Keeper; readonly stop: () => Promise<void> } | undefined;

  constructor(member: Member) {
    this.member = member;
  }

  get disk(): string {
    return join(folder, this.member.node, "disk");
  }

  get run(): string {
    return join(folder, this.member.node, "run");
  }

  get keeper(): Keeper {
    assert.ok(this.#keeper);
    return this.#keeper.keeper;
  }

  /** Resolves when its servers run, whether or not they have joined. */
  async start({ all = members, schemas = folder, clustered = true, signal = soon() } = {}): Promise<void> {
    await mkdir(this.run, { recursive: true });
    const place = { own: this.member, members: all };
    const begun = { place, folder: this.disk, runFolder: this.run, schemas, clustered, tls };
    await Promise.all(
      databaseNames.map(async (each) => {
        await beginDatabase({ ...begun, name: each, clock: systemClock, log: silent }, signal);
        await this.#serve(each);
      }),
    );
    const stopping = new AbortController();
    const keeper = new Keeper({ place, runFolder: this.run, schemas, clock: systemClock, log: silent });
    const running = keeper.run(stopping.signal);
    this.#keeper = {
      keeper,
      stop: async () => {
        stopping.abort();
        await running;
        await keeper[Symbol.asyncDispose]();
      },
    };
  }

  async #serve(each: DatabaseName): Promise<void> {
    const socket = join(this.run, places[each].controlSocket);
    await rm(socket, { force: true });
    const server = spawn(
      "setpriv",
      [
        ...["--pdeathsig=KILL", "ovsdb-server", `--config-file=${join(this.run, `${each}.json`)}`],
        `--unixctl=${socket}`,
        ...[`--private-key=${tls.keyFile}`, `--certificate=${tls.certFile}`, `--ca-cert=${tls.caFile}`],
        ...["--no-chdir", "-vconsole:off", `--log-file=${join(this.run, `${each}.log`)}`],
      ],
      { stdio: "ignore", env: { ...ovnEnvironment, OVS_RUNDIR: this.run } },
    );
    this.#servers.push(untilExit(server));
    await until(`the ${each} server of ${this.member.node} answers`, () =>
      unixctl(socket, "version").then(
        () => true,
        () => false,
      ),
    );
  }

  async ready(): Promise<void> {
    const why = (): string | undefined => this.keeper.notReady;
    // A member that joins tries again after up to 8 s, and needs a leader, whose election takes up to 10 s.
    await until(`${this.member.node} is ready`, () => why() === undefined, 90_000).catch((cause: unknown) => {
      throw new Error(`${this.member.node}: ${why()}`, { cause });
    });
  }

  async status(): Promise<RaftStatus> {
    const socket = join(this.run, places[name].controlSocket);
    return parseRaftStatus(await unixctl(socket, "cluster/status", [database]));
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#keeper?.stop();
    this.#keeper = undefined;
    for (const server of this.#servers.splice(0)) {
      if (server.exitCode !== null || server.signalCode !== null) continue;
      const exited = once(server, "exit");
      server.kill(signal);
      await exited;
    }
  }

  loseDisk(): Promise<void> {
    return rm(this.disk, { recursive: true });
  }
}

const homes = members.map((member) => new Home(member));
const [a, b, c] = homes;
assert.ok(a && b && c);

before(async () => {
  folder = await makeFolder("weft-raft-");
  const { holdings } = renewed(
    { authorities: {}, holdings: {} },
    {
      ...{ nowMs: Date.now(), isInForce: false, lifeMs: day, authorityLifeMs: 3 * day },
      addresses: members.map(({ address }) => address),
    },
  );
  const { central } = holdings;
  assert.ok(central);
  const files = {
    "ca.crt": central.trusted.central?.join("") ?? "",
    "tls.crt": central.pair.certificate,
    "tls.key": central.pair.key,
    [places.northbound.schema]: await readFile(northboundSchema, "utf8"),
    [places.southbound.schema]: await readFile(southboundSchema, "utf8"),
  };
  for (const [path, content] of Object.entries(files)) await writeFile(join(folder, path), content);
  tls = {
    caFile: join(folder, "ca.crt"),
    certFile: join(folder, "tls.crt"),
    keyFile: join(folder, "tls.key"),
  };
});
after(async () => {
  for (const home of homes) await home.stop("SIGKILL");
  await removeFolder(folder);
});

/** A client as the controller is one. */
function open(): Session {
  const session = new Session({
    remotes: members.map((member) => remoteOf(member, port)),
    ...{ database, tls, minBackoffMs: 20, maxBackoffMs: 200 },
  });
  session.start();
  return session;
}

async function names(session: Session): Promise<readonly string[]> {
  await session.connected(soon());
  const rows = await session.select(northbound, "Address_Set", [], { columns: ["name"] });
  return rows.map((row) => row.name).toSorted();
}

const allReady = async (): Promise<void> => {
  for (const home of homes) await home.ready();
};

/** How many servers count, as the leader has it. */
async function counted(): Promise<number> {
  const states = await Promise.all(homes.map((home) => home.status().catch(() => undefined)));
  return states.find((state) => state?.leads)?.servers.length ?? 0;
}

test(
  "a single node's database becomes a cluster of one and then of three, and keeps its rows",
  timeout,
  async () => {
    const alone = { all: [a.member] };
    await a.start({ ...alone, clustered: false });
    const remote = [remoteOf(a.member, port)];
    await using session = new Session({ remotes: remote, database, tls, minBackoffMs: 20 });
    session.start();
    await commitOnce(session, "kept");
    await a.ready();
    assert.equal(a.keeper.states.get(name), "standalone");
    await a.stop();
    await a.start(alone);
    await a.ready();
    assert.deepEqual(await names(session), ["kept"]);
    await a.stop();
    for (const home of homes) await home.start();
    await allReady();
    assert.equal(await counted(), 3);
    await using all = open();
    assert.deepEqual(await names(all), ["kept"]);
    for (const home of homes) await home.stop();
    for (const home of homes) await home.loseDisk();
  },
);

test("members that start before the first one wait for it, and all become one cluster", timeout, async () => {
  await c.start();
  assert.match(c.keeper.notReady ?? "", /northbound database/);
  const early = AbortSignal.timeout(1500);
  await assert.rejects(a.start({ signal: early }), "it begins a cluster while b does not answer");
  await b.start();
  await a.start();
  await allReady();
  const states = await Promise.all(homes.map((home) => home.status()));
  assert.deepEqual(
    states.map(({ servers }) => servers.length),
    [3, 3, 3],
  );
  assert.equal(states.filter(({ leads }) => leads).length, 1);
});

test("members that are replaced one at a time lose no write", timeout, async () => {
  await using session = open();
  const replaced = new AbortController();
  const written: string[] = [];
  const writing = (async () => {
    for (let index = 0; !replaced.signal.aborted; index++) {
      await commitOnce(session, `rolling-${index}`);
      written.push(`rolling-${index}`);
    }
  })();
  for (const home of homes.toReversed()) {
    await home.stop();
    await home.start();
    await home.ready();
  }
  replaced.abort();
  await writing;
  const found = new Set(await names(session));
  assert.deepEqual(
    written.filter((row) => !found.has(row)),
    [],
  );
  assert.ok(written.length > homes.length);
});

test("a member whose disk is lost joins anew, and the server that it was is kicked", timeout, async () => {
  await using session = open();
  for (const home of [c, a]) {
    await home.stop("SIGKILL");
    await home.loseDisk();
    await commitOnce(session, `without-${home.member.node}`);
    await home.start();
    await home.ready();
    await until("the dead server is kicked", async () => (await counted()) === 3, 40_000);
  }
  // The majority is that of three again.
  await b.stop("SIGKILL");
  await commitOnce(session, "with two of three");
  await b.start();
  await allReady();
});

test(
  "a first member with a new disk makes no second cluster while the others are away",
  timeout,
  async () => {
    await using session = open();
    await commitOnce(session, "before");
    for (const home of homes) await home.stop();
    await a.loseDisk();
    await assert.rejects(a.start({ signal: AbortSignal.timeout(4000) }), "it begins a second cluster");
    for (const home of [b, c]) await home.start();
    await a.start();
    await allReady();
    assert.ok((await names(session)).includes("before"));
    await until("the dead server is kicked", async () => (await counted()) === 3, 40_000);
  },
);

test("a backup of a cluster is restored to it, by way of any member", timeout, async () => {
  await using session = open();
  await session.connected(soon());
  const owned = (row: string) =>
    new Transaction(northbound).insert("Address_Set", {
      name: row,
      external_ids: new Map([["weft.io/cluster", "demo"]]),
    });
  await session.transact(owned("saved"));
  const about = { cluster: "demo", raftCluster: undefined, time: new Date().toISOString() };
  const text = await backup(session, about, soon());
  const rows = await session.select(northbound, "Address_Set", [["name", "==", "saved"]]);
  const [saved] = rows;
  assert.ok(saved);
  await session.transact(new Transaction(northbound).delete("Address_Set", saved._uuid));
  for (const home of homes) {
    await using one = new Session({ remotes: [remoteOf(home.member, port)], database, tls });
    one.start();
    await one.connected(soon());
    const options = { session: one, cluster: "demo", text, holder: "test", dryRun: false };
    const { inserted } = await restore(options, soon());
    assert.equal(inserted.length > 0, home === a);
  }
  assert.ok((await names(session)).includes("saved"));
});

test("a database of an older schema is converted by the member that leads, under way", timeout, async () => {
  const newer = join(folder, "newer");
  await mkdir(newer, { recursive: true });
  const versions = new Map<DatabaseName, string>();
  for (const each of databaseNames) {
    const { schema } = places[each];
    const present = JSON.parse(await readFile(join(folder, schema), "utf8"));
    const [major, minor = 0] = String(present.version).split(".").map(Number);
    versions.set(each, `${major}.${minor + 1}.0`);
    await writeFile(join(newer, schema), JSON.stringify({ ...present, version: versions.get(each) }));
  }
  await using session = open();
  const before = await names(session);
  for (const home of homes) {
    await home.stop();
    await home.start({ schemas: newer });
    await home.ready();
  }
  await until("the schema is the newer one", () => session.serverSchema?.version === versions.get(name));
  assert.deepEqual(await names(session), before);
});
