// The signer against an API server, and real databases, an ovn-northd and an ovn-controller that use what it writes: all
// certificates and both authorities are replaced under them, and nothing is restarted.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { KubeClient } from "../../src/kube/client.ts";
import { silent } from "../../src/kube/clock.ts";
import { parseIp } from "../../src/model/ip.ts";
import { Session, type TlsOptions } from "../../src/ovsdb/index.ts";
import { type MemberName, memberNames } from "../../src/signer/renewal.ts";
import { authoritiesSecret, secretOf } from "../../src/signer/secrets.ts";
import { Signer } from "../../src/signer/signer.ts";
import { makeFolder, removeFolder } from "../real/atExit.ts";
import { type Daemon, startDaemon } from "../real/daemon.ts";
import { northboundOfOvn, southboundOfOvn } from "../real/ovn.ts";
import { freePort, type OvsdbServer, run, startServer, vswitchSchema } from "../real/ovsdbServer.ts";
import { until } from "../real/until.ts";
import { ApiUnderTest } from "./apiUnderTest.ts";
import { bounded } from "./engineWorld.ts";
import { manualClock } from "./kubeScript.ts";

const settleMs = 600_000;
const address = "127.0.0.1";
const stack = new AsyncDisposableStack();
const clock = { ...manualClock(), wall: () => Date.now() };
let api: ApiUnderTest;
let client: KubeClient;
let signer: Signer;
let folder = "";
let ports = { northbound: 0, southbound: 0 };

before(async () => {
  api = stack.use(await ApiUnderTest.start());
  client = stack.use(new KubeClient(api.config));
  folder = await makeFolder("weft-signer-");
  stack.defer(() => removeFolder(folder));
  ports = { northbound: await freePort(), southbound: await freePort() };
  signer = newSigner();
});
after(() => stack.disposeAsync());

const newSigner = (): Signer =>
  new Signer({
    ...{ client, namespace: api.namespace, settleMs, clock, log: silent },
    addresses: [address].flatMap((text) => parseIp(text) ?? []),
    lifeMs: 90 * 86_400_000,
    authorityLifeMs: 1825 * 86_400_000,
  });

const round = (): Promise<void> => signer.round(AbortSignal.timeout(30_000));

async function filesOf(secret: string): Promise<Readonly<Record<string, string>>> {
  const { data } = await api.expect(200, "GET", api.path(`secrets/${secret}`));
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([name, content]) => [
      name,
      Buffer.from(String(content), "base64").toString(),
    ]),
  );
}

const mounted = (member: MemberName, file: string): string => join(folder, member, "..data", file);
let mounts = 0;

/** Brings the Secrets into folders as a kubelet does: files in a new folder, to which a link is turned. */
async function mount(): Promise<void> {
  mounts++;
  for (const member of memberNames) {
    const target = join(folder, member);
    const fresh = join(target, `..${mounts}`);
    await mkdir(fresh, { recursive: true });
    for (const [name, content] of Object.entries(await filesOf(secretOf(member))))
      await writeFile(join(fresh, name), content);
    await symlink(`..${mounts}`, join(target, "..data_tmp"));
    await rename(join(target, "..data_tmp"), join(target, "..data"));
  }
}

const keyOptions = (member: MemberName, authority = "ca.crt"): readonly string[] => [
  `--private-key=${mounted(member, "tls.key")}`,
  `--certificate=${mounted(member, "tls.crt")}`,
  `--ca-cert=${mounted(member, authority)}`,
];

async function startDatabase(schema: string, port: number, authority: string): Promise<OvsdbServer> {
  const home = await makeFolder("weft-signer-");
  await run("ovsdb-tool", ["create", join(home, "db"), schema]);
  const args = [`--remote=pssl:${port}:${address}`, ...keyOptions("central", authority)];
  return stack.use(await startServer(home, join(home, "db"), await freePort(), { args }));
}

const tlsOf = (member: MemberName): TlsOptions => ({
  caFile: mounted(member, "ca.crt"),
  certFile: mounted(member, "tls.crt"),
  keyFile: mounted(member, "tls.key"),
});

/** Whether a new connection with this member's certificate is taken. */
async function isAdmitted(member: MemberName, database: keyof typeof ports): Promise<boolean> {
  await using session = new Session({
    remotes: [`ssl:${address}:${ports[database]}`],
    database: database === "northbound" ? "OVN_Northbound" : "OVN_Southbound",
    tls: tlsOf(member),
    minBackoffMs: 20,
    maxBackoffMs: 20,
  });
  session.start();
  await until("the database has said yes or no", () => {
    return session.state === "connected" || session.lastError?.code === "tls error";
  });
  return session.state === "connected";
}

/** The certificate that a database shows to a new connection. */
async function shownBy(database: keyof typeof ports): Promise<string> {
  const socket = connect({ host: address, port: ports[database], rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  return certificate?.fingerprint256 ?? "";
}

const fingerprintOf = async (member: MemberName): Promise<string> =>
  new X509Certificate((await filesOf(secretOf(member)))["tls.crt"] ?? "").fingerprint256;

const connectionOf = async (daemon: Daemon): Promise<string> =>
  (await daemon.appctl("connection-status")).trim();

test(
  "a signer that finds nothing makes everything, and one that finds all in order writes nothing",
  bounded,
  async () => {
    await round();
    const first = await filesOf(authoritiesSecret);
    assert.deepEqual(Object.keys(first).toSorted(), ["central.crt", "central.key", "nodes.crt", "nodes.key"]);
    const { metadata } = await api.expect(200, "GET", api.path(`secrets/${secretOf("central")}`));
    clock.advance(settleMs);
    for (signer of [signer, newSigner()]) await round();
    const again = await api.expect(200, "GET", api.path(`secrets/${secretOf("central")}`));
    assert.deepEqual(again["metadata"], metadata);
    assert.deepEqual(await filesOf(authoritiesSecret), first);
    assert.equal(signer.notReady, undefined);
    assert.equal(signer.ends.size, 3);
  },
);

test("certificates and authorities are replaced under databases and daemons that go on running", {
  timeout: 120_000,
}, async () => {
  await mount();
  const northbound = await startDatabase(northboundOfOvn, ports.northbound, "ca.crt");
  const southbound = await startDatabase(southboundOfOvn, ports.southbound, "clients.crt");
  const vswitchHome = await makeFolder("weft-signer-");
  await run("ovsdb-tool", ["create", join(vswitchHome, "db"), vswitchSchema]);
  const vswitch = stack.use(await startServer(vswitchHome, join(vswitchHome, "db"), await freePort()));
  const ids = { "system-id": "n1", "ovn-remote": `ssl:${address}:${ports.southbound}` };
  const more = { "ovn-encap-type": "geneve", "ovn-encap-ip": address };
  await run("ovs-vsctl", [
    ...[`--db=${vswitch.remote}`, "--no-wait", "--", "init", "--", "set", "Open_vSwitch", "."],
    ...Object.entries({ ...ids, ...more }).map(([key, value]) => `external_ids:${key}=${value}`),
  ]);
  const controller = stack.use(await startDaemon("ovn-controller", [vswitch.remote, ...keyOptions("node")]));
  const northd = stack.use(
    await startDaemon("ovn-northd", [
      `--ovnnb-db=ssl:${address}:${ports.northbound}`,
      `--ovnsb-db=ssl:${address}:${ports.southbound}`,
      ...keyOptions("central"),
    ]),
  );
  const pids = [northbound, southbound].map(({ pid }) => pid);
  const connected = async (): Promise<void> => {
    await until("ovn-controller is connected", async () => (await connectionOf(controller)) === "connected");
    await until("ovn-northd is active", async () => /active/.test(await northd.appctl("status")));
    for (const [member, database, isWelcome] of [
      ["controller", "northbound", true],
      ["controller", "southbound", true],
      ["node", "southbound", true],
      ["node", "northbound", false],
    ] as const)
      assert.equal(await isAdmitted(member, database), isWelcome, `${member} at ${database}`);
  };
  /** Everybody has to come again, as after a break of the network. */
  const cut = async (): Promise<void> => {
    for (const database of [northbound, southbound])
      await run("ovs-appctl", ["-t", join(database.folder, "ctl"), "ovsdb-server/reconnect"]);
  };
  await connected();
  const before = { central: await fingerprintOf("central"), node: await fingerprintOf("node") };
  const stale = join(folder, "stale");
  await mkdir(stale);
  for (const [name, content] of Object.entries(await filesOf(secretOf("node"))))
    await writeFile(join(stale, name), content);

  await api.expect(200, "DELETE", api.path(`secrets/${authoritiesSecret}`));
  const seen: string[] = [];
  for (let step = 0; step < 4; step++) {
    await round();
    await mount();
    await cut();
    await connected();
    const { "ca.crt": authorities = "" } = await filesOf(secretOf("node"));
    const isNew = (await fingerprintOf("node")) !== before.node;
    seen.push(`${authorities.match(/BEGIN/g)?.length} ${isNew ? "new" : "old"}`);
    // Not before its time.
    await round();
    assert.equal((await filesOf(secretOf("node")))["ca.crt"], authorities);
    clock.advance(settleMs);
  }
  assert.deepEqual(seen, ["2 old", "2 new", "1 new", "1 new"]);
  assert.notEqual(await fingerprintOf("central"), before.central);
  for (const database of ["northbound", "southbound"] as const)
    assert.equal(await shownBy(database), await fingerprintOf("central"));
  assert.deepEqual(
    [northbound, southbound].map(({ pid }) => pid),
    pids,
  );
  // What was valid before opens nothing any more.
  for (const [name, content] of Object.entries(await filesOf(secretOf("node"))))
    if (name === "ca.crt") await writeFile(join(stale, name), content);
  await using session = new Session({
    remotes: [`ssl:${address}:${ports.southbound}`],
    database: "OVN_Southbound",
    tls: { caFile: join(stale, "ca.crt"), certFile: join(stale, "tls.crt"), keyFile: join(stale, "tls.key") },
    minBackoffMs: 20,
  });
  session.start();
  await until("the old certificate is refused", () => session.lastError?.code === "tls error");
});

test("of two signers at work at once, one is told that the other was first", bounded, async () => {
  await api.expect(200, "DELETE", api.path(`secrets/${secretOf("node")}`));
  const answers = await Promise.allSettled([round(), newSigner().round(AbortSignal.timeout(30_000))]);
  assert.ok(answers.some(({ status }) => status === "fulfilled"));
  const { "tls.crt": certificate = "", "tls.key": key = "" } = await filesOf(secretOf("node"));
  assert.ok(certificate && key);
  await round();
  assert.equal((await filesOf(secretOf("node")))["tls.crt"], certificate);
});
