// What the commands say before they do anything.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

const folder = mkdtempSync(join(tmpdir(), "weft-commands-"));
chmodSync(folder, 0o755);
after(() => rmSync(folder, { recursive: true }));

const main = join(import.meta.dirname, "../main.ts");
const weft = (args: readonly string[], uid?: number) =>
  spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    timeout: 30_000,
    env: { PATH: process.env["PATH"], HOME: folder },
    ...(uid !== undefined && { uid, cwd: folder }),
  });

test("the version is that of the package", () => {
  const { status, stdout } = weft(["--version"]);
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"));
  assert.deepEqual([status, stdout.trim()], [0, version]);
});

test("a kubeconfig that cannot be read is named with the reason and what to do", () => {
  const named = weft(["controller", "--kubeconfig", "/nowhere/config"]);
  assert.equal(named.status, 2);
  assert.match(named.stderr, /^weft: cannot read the kubeconfig \/nowhere\/config: there is no such file\n$/);
  const unnamed = weft(["controller"]);
  assert.match(
    unnamed.stderr,
    /\.kube\/config: there is no such file; name a kubeconfig by --kubeconfig or \$KUBECONFIG/,
  );
});

test("a file that cannot be read is named with the reason and what to do", () => {
  const missing = join(folder, "missing");
  const cases: readonly (readonly [readonly string[], string])[] = [
    [
      ["logs", "policy", "--file", missing],
      `the log ${missing}: there is no such file; run this on a node, `,
    ],
    [["logs", "policy", "--file", folder, "-f"], `the log ${folder}: it is a folder; run this on a node, `],
    [["restore", missing], `the backup ${missing}: there is no such file; name a file that weft backup `],
  ];
  for (const [args, said] of cases) {
    const { status, stderr } = weft(args);
    assert.ok(stderr.startsWith(`weft: cannot read ${said}`), stderr);
    assert.equal(status, 2);
  }
});

test("an agent that does not run as root says so", () => {
  const { status, stderr } = weft(["agent"], process.getuid?.() === 0 ? 65_534 : undefined);
  assert.equal(status, 2);
  assert.match(stderr, /^weft: weft agent must run as root: /);
});
