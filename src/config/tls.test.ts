import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "./error.ts";
import { type TlsFlags, tlsIn } from "./tls.ts";

const secured = ["tcp:10.0.0.1:6641", "ssl:10.0.0.2:6641"];

test("options of TLS go with remotes that speak it", () => {
  assert.equal(tlsIn({}, ["unix:/run/ovn/ovnnb_db.sock"]), undefined);
  assert.deepEqual(tlsIn({ caCert: "ca" }, secured), { caFile: "ca" });
  const all = { caCert: "ca", certificate: "cert", privateKey: "key" };
  assert.deepEqual(tlsIn(all, secured), { caFile: "ca", certFile: "cert", keyFile: "key" });
});

const refused: readonly (readonly [TlsFlags, readonly string[], RegExp])[] = [
  [{}, secured, /^ssl:10\.0\.0\.2:6641 needs --ca-cert/],
  [{ certificate: "cert", privateKey: "key" }, secured, /needs --ca-cert/],
  [{ caCert: "ca", certificate: "cert" }, secured, /--certificate needs its --private-key/],
  [{ caCert: "ca", privateKey: "key" }, secured, /the key needs its certificate/],
  [{ caCert: "ca" }, ["tcp:10.0.0.1:6641"], /are for remotes ssl:HOST:PORT/],
];
for (const [flags, remotes, message] of refused)
  test(`${JSON.stringify(flags)} with ${remotes.join()} is refused`, () => {
    assert.throws(
      () => tlsIn(flags, remotes),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  });
