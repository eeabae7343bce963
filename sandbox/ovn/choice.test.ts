import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { chosenFolder, isAtLeast, schemaFile, searchPath } from "./choice.ts";
import { programsIn, wrappersOf } from "./folder.ts";

const folder = mkdtempSync(join(tmpdir(), "weft-folder-"));
after(() => rmSync(folder, { recursive: true }));

const compared: readonly (readonly [string, string, boolean])[] = [
  ["3.5.0", "3.5", true],
  ["3.5", "3.5.0", true],
  ["3.10.1", "3.5", true],
  ["4.0.0", "3.5", true],
  ["3.4.9", "3.5", false],
  ["2.17.3", "3.5", false],
];
for (const [version, least, is] of compared)
  test(`${version} is ${is ? "" : "not "}at least ${least}`, () =>
    assert.equal(isAtLeast(version, least), is));

test("host is the machine's own OVN, found without a wrapper and with its own schemas", () => {
  assert.equal(chosenFolder("host"), undefined);
  assert.equal(searchPath(undefined, "/bin"), "/bin");
  assert.equal(schemaFile(undefined, "ovn/ovn-nb"), "/usr/share/ovn/ovn-nb.ovsschema");
});

test("a folder without OVN is refused, with a hint how to make one", () => {
  assert.throws(() => chosenFolder(folder), /no ovs-vswitchd, ovsdb-server, .*debootstrap/);
});

test("a folder's own executables are found, scripts and links that lead out of it are not", () => {
  mkdirSync(join(folder, "usr/sbin"), { recursive: true });
  mkdirSync(join(folder, "usr/lib/openvswitch-switch"), { recursive: true });
  const program = join(folder, "usr/lib/openvswitch-switch/ovs-vswitchd");
  writeFileSync(program, "\x7fELF");
  symlinkSync("/bin/sh", join(folder, "usr/sbin/ovs-vswitchd"));
  symlinkSync("/bin/sh", join(folder, "usr/sbin/ovn-sbctl"));
  writeFileSync(join(folder, "usr/sbin/ovs-pki"), "#!/bin/sh\n");
  writeFileSync(join(folder, "usr/sbin/sh"), "\x7fELF");
  assert.deepEqual(programsIn(folder), new Map([["ovs-vswitchd", program]]));
});

test("wrappers of folders with the same name are kept apart, and come first in the PATH", () => {
  assert.notEqual(wrappersOf("/a/root"), wrappersOf("/b/root"));
  assert.equal(searchPath("/a/root", "/bin"), `${wrappersOf("/a/root")}:/bin`);
});
