import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePackage } from "./apt.ts";
import { linkedWith } from "./ovn.ts";

const paragraph = (name: string, section: string, depends: string): string =>
  `Package: ${name}\nVersion: 1:2.3-4+b1\nSection: ${section}\nDepends: ${depends}\nDescription: text\n more text\n`;

test("a package is parsed from its paragraph, its dependencies without versions", () => {
  const text = paragraph("ovn-common", "net", "python3:any, libc6 (>= 2.38), kmod | module-init-tools");
  assert.deepEqual(parsePackage(`Pre-Depends: dpkg\n${text}`), {
    name: "ovn-common",
    version: "1:2.3-4+b1",
    section: "net",
    depends: ["dpkg", "python3", "libc6", "kmod", "module-init-tools"],
  });
});

test("from a closure, OVN's own packages and their libraries are taken, but not what Python needs", () => {
  const all = [
    paragraph("ovn-central", "net", "lsb-release, ovn-common (= 1), libssl3t64"),
    paragraph("ovn-common", "net", "python3, openvswitch-common"),
    paragraph("openvswitch-common", "net", "libc6, netbase"),
    paragraph("libssl3t64", "libs", "libc6, libzstd1"),
    paragraph("libzstd1", "libs", "libc6"),
    paragraph("libc6", "libs", "libgcc-s1"),
    paragraph("python3", "python", "libsqlite3-0"),
    paragraph("libsqlite3-0", "libs", "libc6"),
    paragraph("netbase", "admin", ""),
  ].map(parsePackage);
  const closure = new Map(all.map((each) => [each.name, each]));
  assert.deepEqual(
    linkedWith(["ovn-central"], closure).map(({ name }) => name),
    ["ovn-central", "ovn-common", "libssl3t64", "openvswitch-common", "libc6", "libzstd1"],
  );
});
