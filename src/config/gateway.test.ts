import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "./error.ts";
import { gatewayIn } from "./options.ts";

test("a node's own gateway is for overlay mode, and refused where the cloud's router is the gateway", () => {
  assert.equal(gatewayIn({ mode: "overlay", gateway: "local" }), "local");
  assert.equal(gatewayIn({ mode: "underlay", gateway: "shared" }), "shared");
  assert.throws(
    () => gatewayIn({ mode: "underlay", gateway: "local" }),
    (error) =>
      error instanceof ConfigError && /--gateway local is for --mode overlay only/.test(error.message),
  );
});
