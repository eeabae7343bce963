import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../../model/ip.ts";
import { neighbourNews } from "./neighbourNews.ts";

const ip = (text: string) => parseIp(text) ?? assert.fail(text);

test("an ARP announcement asks everybody for the address that it has itself", () => {
  assert.equal(
    neighbourNews("02:00:00:00:00:11", ip("172.30.0.200")),
    [
      ...["ffffffffffff", "020000000011", "0806", "0001", "0800", "06", "04", "0001"],
      ...["020000000011", "ac1e00c8", "000000000000", "ac1e00c8"],
    ].join(""),
  );
});

test("an unsolicited neighbour advertisement overrides what all nodes know, and its checksum is right", () => {
  const frame = Buffer.from(neighbourNews("02:00:00:00:00:11", ip("fd00:172:30::200")), "hex");
  const at = (from: number, to: number): string => frame.subarray(from, to).toString("hex");
  const address = "fd000172003000000000000000000200";
  assert.equal(at(0, 14), ["333300000001", "020000000011", "86dd"].join(""));
  assert.equal(at(14, 22), ["60000000", "0020", "3a", "ff"].join(""));
  assert.equal(at(22, 54), `${address}ff020000000000000000000000000001`);
  assert.equal(at(54, 56), "8800");
  assert.equal(at(58, 62), "20000000");
  assert.equal(at(62, 86), `${address}0201020000000011`);
  const sum = Buffer.concat([
    frame.subarray(22, 54),
    Buffer.from("000000200000003a", "hex"),
    frame.subarray(54),
  ]);
  let total = 0;
  for (let index = 0; index < sum.length; index += 2) total += sum.readUInt16BE(index);
  assert.equal((total & 0xffff) + (total >> 16), 0xffff);
});
