// `make deb-test`: the package on this machine's own disk, with a layer of memory over it that takes whatever is written.

import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type RunResult, tryRun } from "../../sandbox/process/run.ts";

const [package_ = ""] = globSync(join(import.meta.dirname, "../../build/weft_*_amd64.deb"));
let folder = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-deb-"));
  await mkdir(join(folder, "root"));
});
after(() => rm(folder, { recursive: true }));

/** Runs `script` on a fresh copy-on-write view of the disk, which is gone afterwards. */
const onDisk = (script: string): Promise<RunResult> =>
  tryRun(
    [
      ...["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec"],
      [
        `mount -t tmpfs weft ${folder}`,
        `mkdir ${folder}/upper ${folder}/work ${folder}/root`,
        `mount -t overlay weft -o lowerdir=/,upperdir=${folder}/upper,workdir=${folder}/work ${folder}/root`,
        `mount -t proc proc ${folder}/root/proc`,
        `cp ${package_} ${folder}/root/weft.deb`,
        `exec chroot ${folder}/root sh -ec '${script}'`,
      ].join("\n"),
    ],
    { timeoutMs: 120_000 },
  );

const install = "dpkg --install /weft.deb >/dev/null 2>&1";

async function ok(script: string): Promise<string> {
  const { status, stdout, stderr } = await onDisk(script);
  assert.equal(status, 0, stderr);
  return stdout;
}

test("it installs, knows its version, and makes the user that the controller runs as", async () => {
  const told = await ok(`${install}; weft --version; id -un weft; ls /etc/weft`);
  assert.match(told, /^\d+\.\d+\.\d+\nweft\n$/);
});

test("every command is there, and the plugin runs", async () => {
  const told = await ok(`${install}; weft --help; CNI_COMMAND=VERSION /opt/weft/weft-cni </dev/null`);
  assert.match(told, /controller/);
  assert.match(told, /"supportedVersions"/);
});

const verify = "systemd-analyze verify --man=no /usr/lib/systemd/system/weft-*.service";

test("systemd finds nothing wrong with the units", async () => {
  const { status, stdout, stderr } = await onDisk(`${install}; ${verify}`);
  const about = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("weft"));
  assert.deepEqual([status, about], [0, []]);
});

test("and would find what is wrong", async () => {
  const spoil = "sed -i s/^Restart=always/Restart=sometimes/ /usr/lib/systemd/system/weft-agent.service";
  const { stdout, stderr } = await onDisk(`${install}; ${spoil}; ${verify}`);
  assert.match(`${stdout}${stderr}`, /weft-agent\.service.*sometimes/);
});

test("what is removed is gone, and what is purged leaves nothing", async () => {
  const told = await ok(
    `${install}; touch /etc/weft/agent; dpkg --remove weft >/dev/null; ls /etc/weft; dpkg --purge weft >/dev/null; ls -d /opt/weft /usr/bin/weft /etc/weft 2>/dev/null || true`,
  );
  assert.equal(told, "agent\n");
});
