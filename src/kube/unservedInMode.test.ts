import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../model/ip.ts";
import { type ClusterMode, modeIn, modeText } from "./unservedInMode.ts";

test("a mode that is read again is the one that was written, and another text is none", () => {
  const services = ["10.96.0.0/16", "fd00:10:96::/112"].flatMap((text) => parseCidr(text) ?? []);
  const modes: readonly ClusterMode[] = [{ kind: "underlay" }, { kind: "overlay", services }];
  assert.deepEqual(modes.map(modeText), ["underlay", "overlay 10.96.0.0/16 fd00:10:96::/112"]);
  for (const mode of modes) assert.deepEqual(modeIn(modeText(mode)), mode);
  assert.deepEqual(["", "neither"].map(modeIn), [undefined, undefined]);
});
