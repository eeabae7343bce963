import assert from "node:assert/strict";
import { test } from "node:test";
import { PortRows } from "./rowAddressesFixture.ts";

test("an address is held as long as any row has it", () => {
  const rows = new PortRows();
  rows.set("u1", "web-1", ["0a:58:0a:f4:01:05 10.244.1.5 fd00::5"]);
  rows.set("u2", "web-2", ["0a:58:0a:f4:01:05 10.244.1.5"]);
  assert.equal(rows.others("web-1", "10.244.1.5").length, 1);
  assert.deepEqual(rows.others("web-1", "fd00::5"), []);
  rows.delete("u1");
  assert.deepEqual(rows.others("web-2", "10.244.1.5"), []);
  assert.equal(rows.others("web-1", "10.244.1.5").length, 1);
  assert.deepEqual(rows.others("anyone", "fd00::5"), []);
  rows.delete("u2");
  assert.deepEqual(rows.others("anyone", "10.244.1.5"), []);
});

test("a row that gets other addresses lets go of those before, and one without addresses holds none", () => {
  const rows = new PortRows();
  rows.set("u1", "web-1", ["0a:58:0a:f4:01:05 10.244.1.5", "0a:58:0a:f4:01:06 10.244.1.6"]);
  rows.set("u1", "web-1", ["unknown", "0a:58:0a:f4:01:06 10.244.1.6"]);
  assert.deepEqual(
    ["10.244.1.5", "10.244.1.6"].map((ip) => rows.others("web-2", ip).length > 0),
    [false, true],
  );
});

test("what a port holds is that of the pod it is for, and not of one of the same name", () => {
  const rows = new PortRows();
  rows.set("u1", "web-1", ["0a:58:0a:f4:01:05 10.244.1.5 fd00::5"], "first");
  assert.deepEqual(rows.ofPod("web-1", "first"), ["10.244.1.5", "fd00::5"]);
  assert.equal(rows.ofPod("web-1", "second"), undefined);
  rows.set("u1", "web-1", ["0a:58:0a:f4:01:06 10.244.1.6"], "second");
  assert.deepEqual(
    [rows.ofPod("web-1", "first"), rows.ofPod("web-1", "second")],
    [undefined, ["10.244.1.6"]],
  );
  rows.delete("u1");
  assert.equal(rows.ofPod("web-1", "second"), undefined);
});

test("a port of the name is foreign as long as somebody else's row has it", () => {
  const rows = new PortRows();
  rows.set("u1", "web-1", []);
  assert.equal(rows.isForeign("web-1"), false);
  rows.delete("u1");
  assert.equal(rows.isForeign("web-1"), false);
  rows.set("u2", "web-1", [], "", "other");
  assert.equal(rows.isForeign("web-1"), true);
});

test("a row of another cluster holds nothing", () => {
  const rows = new PortRows();
  rows.set("u1", "web-1", ["0a:58:0a:f4:01:05 10.244.1.5"], "", "other");
  assert.deepEqual(rows.others("anyone", "10.244.1.5"), []);
});
