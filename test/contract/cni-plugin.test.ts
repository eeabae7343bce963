// The CNI executable as a container runtime runs it: built as it is released, with real environment, stdin and working
// directory, against an agent that this test plays on a real socket.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = mkdtempSync(join(tmpdir(), "weft-cni-test-"));
const plugin = join(folder, "weft-cni");
const socket = join(folder, "cni.sock");
const requests: unknown[] = [];
const agent: Server = createServer((connection) => {
  let line = "";
  connection.on("data", (chunk) => {
    line += chunk.toString();
    if (!line.endsWith("\n")) return;
    requests.push(JSON.parse(line));
    connection.end(`${JSON.stringify({ exit: 0, stdout: '{"from":"agent"}\n' })}\n`);
  });
});

before(async () => {
  execFileSync(fileURLToPath(new URL("../../src/cni/build.sh", import.meta.url)), [plugin]);
  await new Promise<void>((resolve) => agent.listen(socket, resolve));
});
after(() => {
  agent.close();
  rmSync(folder, { recursive: true });
});

interface Ran {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(env: Record<string, string>, stdin: string, cwd = folder): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(plugin, { env, cwd, timeout: 30_000 });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.on("error", reject);
    child.on("close", (exit) => resolve({ exit, stdout, stderr }));
    child.stdin.end(stdin);
  });
}

const configuration = (more: object = {}): string =>
  JSON.stringify({ cniVersion: "1.1.0", name: "weft", type: "weft-cni", socket, ...more });

const addEnv = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/x",
  CNI_IFNAME: "eth0",
  CNI_ARGS: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-1",
  CNI_PATH: "/opt/cni/bin",
};

async function refused(env: Record<string, string>, stdin: string, code: number): Promise<string> {
  const ran = await run(env, stdin);
  assert.equal(ran.exit, 1);
  const error: { code: number; msg: string; cniVersion: string } = JSON.parse(ran.stdout);
  assert.equal(error.code, code, ran.stdout);
  assert.match(error.msg, /^[^\n]+$/);
  assert.equal(ran.stderr, "");
  return error.cniVersion;
}

test("environment and stdin reach the agent, and its answer is printed as it came", async () => {
  requests.length = 0;
  const stdin = configuration();
  assert.deepEqual(await run({ ...addEnv, PATH: "/bin" }, stdin), {
    exit: 0,
    stdout: '{"from":"agent"}\n',
    stderr: "",
  });
  assert.deepEqual(requests, [{ version: 1, env: addEnv, stdin }]);
});

test("VERSION needs no agent", async () => {
  const ran = await run({ CNI_COMMAND: "VERSION" }, '{"cniVersion":"1.0.0"}');
  assert.equal(ran.exit, 0);
  assert.deepEqual(JSON.parse(ran.stdout), {
    cniVersion: "1.0.0",
    supportedVersions: ["0.4.0", "1.0.0", "1.1.0"],
  });
});

test("VERSION repeats the caller's version, and answers a caller that gives none or nonsense", async () => {
  const cases = [
    ['{"cniVersion":"0.3.1"}', "0.3.1"],
    ['{"cniVersion":null}', "0.1.0"],
    ['{"cniVersion":"new"}', "1.1.0"],
    ['{"cniVersion":7}', "1.1.0"],
    ["", "1.1.0"],
    ["{", "1.1.0"],
  ] as const;
  for (const [stdin, cniVersion] of cases) {
    const ran = await run({ CNI_COMMAND: "VERSION" }, stdin);
    assert.equal(ran.exit, 0);
    assert.equal(JSON.parse(ran.stdout).cniVersion, cniVersion, stdin);
  }
});

test("a malformed request gets the specification's codes", async () => {
  const hostile = [
    ...[
      "",
      "{",
      "[]",
      "null",
      "7",
      '"x"',
      '{"cniVersion":7}',
      "\u0000\u0001",
      "{'a':1}",
      '{"a":1,}',
      "\ufeff{}",
    ],
    "[".repeat(1_000_000),
    '{"a":'.repeat(1_000_000),
  ];
  for (const stdin of hostile) await refused(addEnv, stdin, 6);
  await refused({}, configuration(), 4);
  await refused(addEnv, configuration({ socket: "relative" }), 7);
  await refused(addEnv, configuration({ socket: 7 }), 7);
  await refused(addEnv, configuration({ socket: `/${"x".repeat(200)}` }), 11);
});

test("a result format that is not supported is refused in one that is", async () => {
  assert.equal(await refused(addEnv, configuration({ cniVersion: "9.0.0" }), 1), "1.1.0");
  for (const cniVersion of [
    undefined,
    null,
    "",
    "1.1",
    "v1.1.0",
    " 1.1.0",
    "1.1.0-rc1",
    "0.3.1",
    "1.1\n.0",
    "latest",
  ]) {
    assert.equal(await refused(addEnv, configuration({ cniVersion }), 1), "1.1.0", String(cniVersion));
  }
});

test("an agent that is away is an error worth a retry, for DEL as well, and STATUS says not available", async () => {
  const away = configuration({ socket: join(folder, "nobody.sock"), cniVersion: "0.4.0" });
  for (const CNI_COMMAND of ["ADD", "DEL", "CHECK", "GC"]) {
    assert.equal(await refused({ ...addEnv, CNI_COMMAND }, away, 11), "0.4.0");
  }
  await refused({ ...addEnv, CNI_COMMAND: "STATUS" }, away, 50);
});

test("STATUS is about the node: once it has been ready, only a dead vswitchd is an error, and the agent need not answer", async () => {
  const away = join(folder, "gone.sock");
  const status = () => run({ CNI_COMMAND: "STATUS" }, configuration({ socket: away }));
  const good = { exit: 0, stdout: "", stderr: "" };
  const ovs = join(folder, "ovs");
  for (const damaged of ["", "null", "{}", '{"ovsRunDirectory":7}']) {
    writeFileSync(`${away}.served`, damaged);
    await refused({ CNI_COMMAND: "STATUS" }, configuration({ socket: away }), 50);
  }
  writeFileSync(`${away}.served`, JSON.stringify({ ovsRunDirectory: ovs }));
  assert.deepEqual(await status(), good, "Open vSwitch is somewhere else, as far as the runtime can see");
  mkdirSync(ovs);
  writeFileSync(join(ovs, "ovs-vswitchd.pid"), "7\n");
  const vswitchd = createServer((connection) => connection.destroy());
  const starting = status();
  await new Promise<void>((resolve) => vswitchd.listen(join(ovs, "ovs-vswitchd.7.ctl"), resolve));
  assert.deepEqual(await starting, good, "a restart is waited for");
  await new Promise((resolve) => vswitchd.close(resolve));
  const dead = await run({ CNI_COMMAND: "STATUS" }, configuration({ socket: away }));
  assert.equal(dead.exit, 1);
  assert.equal(JSON.parse(dead.stdout).code, 51);
  assert.match(JSON.parse(dead.stdout).msg, /ovs-vswitchd is not running/);
});

test("an agent that dies or talks nonsense counts as away", async () => {
  for (const said of ["", "nonsense\n", '{"exit":7,"stdout":""}\n', '{"exit":0}\n', "null\n"]) {
    const path = join(folder, "broken.sock");
    const broken = createServer((connection) => connection.once("data", () => connection.end(said)));
    await new Promise<void>((resolve) => broken.listen(path, resolve));
    try {
      await refused(addEnv, configuration({ socket: path }), 11);
    } finally {
      await new Promise((resolve) => broken.close(resolve));
    }
  }
});

test("neither the runtime's environment nor its working directory reaches into the plugin", async () => {
  const hostile = mkdtempSync(join(folder, "hostile-"));
  const mark = join(hostile, "mark");
  writeFileSync(join(hostile, "evil.js"), `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "");`);
  writeFileSync(join(hostile, ".env"), "CNI_COMMAND=VERSION\n");
  writeFileSync(join(hostile, "bunfig.toml"), 'preload = ["./evil.js"]\n');
  writeFileSync(join(hostile, "package.json"), '{"type":"commonjs","imports":{"node:net":"./evil.js"}}');
  writeFileSync(join(hostile, "tsconfig.json"), '{"compilerOptions":{"paths":{"*":["./evil.js"]}}}');
  const environments: Record<string, string>[] = [
    {},
    { NODE_OPTIONS: "--require ./evil.js" },
    { BUN_OPTIONS: "--preload ./evil.js" },
    { BUN_OPTIONS: "--version" },
    { BUN_BE_BUN: "1" },
    { BUN_INSPECT: "ws://127.0.0.1:0/x?wait=1", BUN_INSPECT_PRELOAD: "./evil.js" },
    { BUN_CONFIG_FILE: "./bunfig.toml", XDG_CONFIG_HOME: hostile, HOME: hostile },
  ];
  for (const env of environments) {
    const ran = await run({ ...addEnv, ...env }, configuration(), hostile);
    assert.deepEqual(
      ran,
      { exit: 0, stdout: '{"from":"agent"}\n', stderr: "" },
      `with ${JSON.stringify(env)}`,
    );
    assert.ok(!existsSync(mark), `evil.js ran with ${JSON.stringify(env)}`);
  }
});
