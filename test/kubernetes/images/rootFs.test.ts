import assert from "node:assert/strict";
import { test } from "node:test";
import { librariesIn } from "./rootFs.ts";

test("the libraries that ldd names are those with a file", () => {
  const printed = `\tlinux-vdso.so.1 (0x00007ffd)
\tlibcurl.so.4 => /lib/x86_64-linux-gnu/libcurl.so.4 (0x00007f)
\tlibmissing.so => not found
\t/lib64/ld-linux-x86-64.so.2 (0x00007f)
`;
  assert.deepEqual(librariesIn(printed), [
    "/lib/x86_64-linux-gnu/libcurl.so.4",
    "/lib64/ld-linux-x86-64.so.2",
  ]);
  assert.deepEqual(librariesIn("\tnot a dynamic executable\n"), []);
});
