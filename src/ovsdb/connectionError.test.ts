import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionError } from "./connectionError.ts";
import { OvsdbError } from "./errors.ts";

test("an error of the system is a lost connection, with what to look at", () => {
  const cases = [
    ["ENOENT", /no server has made this socket/],
    ["ECONNREFUSED", /is the server running/],
    ["EACCES", /in its group/],
    ["ENOTFOUND", /no host of this name/],
    ["EAI_AGAIN", /cannot be looked up now/],
    ["EHOSTUNREACH", /no route to this host/],
    ["ECONNRESET", /^connection failed: connect ECONNRESET$/],
  ] as const;
  for (const [code, message] of cases) {
    const cause = Object.assign(new Error(`connect ${code}`), { code });
    const error = connectionError(cause);
    assert.deepEqual([error.code, error.retryable, error.cause], ["connection lost", true, cause]);
    assert.match(error.message, message);
  }
});

test("an error of TLS, and one of our own, keep their meaning", () => {
  const cause = Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" });
  assert.equal(connectionError(cause).code, "tls error");
  const own = new OvsdbError("protocol error", "x");
  assert.equal(connectionError(own), own);
});
