import assert from "node:assert/strict";
import { test } from "node:test";
import { inOrder } from "./image.ts";

const modulesDep = `kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz
kernel/net/9p/9pnet.ko.xz:
kernel/net/9p/9pnet_virtio.ko.xz: kernel/net/9p/9pnet.ko.xz
kernel/fs/netfs/netfs.ko.xz:
`;

test("modules are loaded after those that they need, each once", () => {
  assert.deepEqual(inOrder(["9pnet_virtio", "9p"], modulesDep), [
    "kernel/net/9p/9pnet.ko.xz",
    "kernel/net/9p/9pnet_virtio.ko.xz",
    "kernel/fs/netfs/netfs.ko.xz",
    "kernel/fs/9p/9p.ko.xz",
  ]);
});

test("a module that the kernel does not have is named", () => {
  assert.throws(() => inOrder(["overlay"], modulesDep), /no module overlay/);
});
