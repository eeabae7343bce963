import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { parseIp } from "../model/ip.ts";
import { newAuthority, newCertificate } from "./certificate.ts";
import { integer, oid, time } from "./der.ts";
import { certificateIn, hasAddresses, isIssuedBy } from "./trust.ts";

const now = Date.UTC(2026, 10, 29);
const validity = { from: now, to: now + 1000 * 86_400_000 };
const addresses = ["192.0.2.10", "2001:db8::1", "::"].flatMap((text) => parseIp(text) ?? []);
const request = { name: "weft central", addresses, serves: true };

test("a certificate says who it is, where, until when and by whom, as OpenSSL reads it", () => {
  const authority = newAuthority("weft central", validity);
  const pair = newCertificate(authority, request, { from: now, to: now + 5000 });
  const certificate = certificateIn(pair);
  assert.ok(certificate);
  assert.equal(certificate.subject, "CN=weft central");
  assert.equal(certificate.issuer, new X509Certificate(authority.certificate).subject);
  assert.deepEqual(
    [certificate.validFromDate.getTime(), certificate.validToDate.getTime()],
    [now, now + 5000],
  );
  assert.equal(certificate.ca, false);
  assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  assert.ok(hasAddresses(certificate, addresses));
  assert.ok(!hasAddresses(certificate, [{ family: 4, value: 1n }]));
  assert.ok(isIssuedBy(certificate, authority.certificate));
  assert.ok(new X509Certificate(authority.certificate).ca);
});

test("two authorities of one name are told apart, and a client's certificate is none of a server", () => {
  const [one, other] = [newAuthority("weft nodes", validity), newAuthority("weft nodes", validity)];
  const pair = newCertificate(one, { name: "weft node", addresses: [], serves: false }, validity);
  const certificate = certificateIn(pair);
  assert.ok(certificate && isIssuedBy(certificate, one.certificate));
  assert.ok(!isIssuedBy(certificate, other.certificate));
  assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
  assert.equal(certificate.subjectAltName, undefined);
});

test("no certificate outlives its authority, and one may last beyond 2049", () => {
  const authority = newAuthority("weft central", { from: now, to: Date.UTC(2060, 0, 1) });
  const pair = newCertificate(authority, request, { from: now, to: Date.UTC(2070, 0, 1) });
  assert.equal(certificateIn(pair)?.validToDate.getTime(), Date.UTC(2060, 0, 1));
});

test("a key of somebody else, or text that is no certificate, makes no pair", () => {
  const [one, other] = [newAuthority("a", validity), newAuthority("a", validity)];
  assert.equal(certificateIn({ certificate: one.certificate, key: other.key }), undefined);
  assert.equal(certificateIn({ certificate: "none", key: one.key }), undefined);
  assert.equal(certificateIn({ certificate: one.certificate, key: "" }), undefined);
});

// X.690, 8.3 and 8.19; RFC 5280, 4.1.2.5.
test("numbers, identifiers and times have their one encoding", () => {
  assert.equal(integer(Uint8Array.of(0, 0, 0x80)).toString("hex"), "02020080");
  assert.equal(integer(Uint8Array.of(0)).toString("hex"), "020100");
  assert.equal(oid("1.2.840.10045.4.3.2").toString("hex"), "06082a8648ce3d040302");
  assert.equal(
    time(Date.UTC(2049, 11, 31))
      .subarray(2)
      .toString(),
    "491231000000Z",
  );
  assert.equal(
    time(Date.UTC(2050, 0, 1))
      .subarray(2)
      .toString(),
    "20500101000000Z",
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      const encoded = integer(bytes);
      const length = encoded[1] ?? 0;
      const content = encoded.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f));
      assert.equal(BigInt(`0x${content.toString("hex")}`), BigInt(`0x${Buffer.from(bytes).toString("hex")}`));
      assert.ok((content[0] ?? 0) < 0x80, "it would be negative");
    }),
  );
});
