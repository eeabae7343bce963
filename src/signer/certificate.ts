// New X.509 certificates (RFC 5280) of private authorities. Keys are of the curve P-256. Each authority has a name of its own,
// so that two of them in one file are never taken for each other.

import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import { type Ip, widthOf } from "../model/ip.ts";
import {
  bits,
  boolean,
  type Der,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  sequence,
  setOf,
  text,
  time,
} from "./der.ts";

/** Both in PEM. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** Milliseconds since 1970. */
export interface Validity {
  readonly from: number;
  readonly to: number;
}

export interface Request {
  readonly name: string;
  /** Addresses by which clients may know it. */
  readonly addresses: readonly Ip[];
  /** It is a server too, and not only a client. */
  readonly serves: boolean;
}

const ids = {
  commonName: oid("2.5.4.3"),
  ecdsaWithSha256: oid("1.2.840.10045.4.3.2"),
  subjectKeyIdentifier: oid("2.5.29.14"),
  keyUsage: oid("2.5.29.15"),
  subjectAltName: oid("2.5.29.17"),
  basicConstraints: oid("2.5.29.19"),
  authorityKeyIdentifier: oid("2.5.29.35"),
  extendedKeyUsage: oid("2.5.29.37"),
  serverAuth: oid("1.3.6.1.5.5.7.3.1"),
  clientAuth: oid("1.3.6.1.5.5.7.3.2"),
};
/** keyCertSign and cRLSign; digitalSignature. The first bit is the highest. */
const usages = { authority: bits(Uint8Array.of(0x06), 1), leaf: bits(Uint8Array.of(0x80), 7) };

/** An authority that has signed itself. */
export function newAuthority(name: string, validity: Validity): Pair {
  const serial = newSerial();
  const subject = `${name} ${serial.toString("hex").slice(0, 8)}`;
  const { publicKey, privateKey } = newKeys();
  const extensions = [
    extension(ids.basicConstraints, sequence(boolean(true)), true),
    extension(ids.keyUsage, usages.authority, true),
  ];
  const issuer = { name: subject, publicKey, privateKey };
  return pairOf(certificateOf({ serial, subject, publicKey, validity, extensions }, issuer), privateKey);
}

/** A certificate by `authority` for a new key. */
export function newCertificate(
  authority: Pair,
  { name, addresses, serves }: Request,
  validity: Validity,
): Pair {
  const { publicKey, privateKey } = newKeys();
  const issuing = new X509Certificate(authority.certificate);
  const purposes = [...(serves ? [ids.serverAuth] : []), ids.clientAuth];
  const alternatives = addresses.map((address) => implicit(7, bytesOf(address)));
  const extensions = [
    extension(ids.keyUsage, usages.leaf, true),
    extension(ids.extendedKeyUsage, sequence(...purposes)),
    ...(alternatives.length > 0 ? [extension(ids.subjectAltName, sequence(...alternatives))] : []),
  ];
  const issuer = {
    name: issuing.subject.replace(/^CN=/, ""),
    publicKey: issuing.publicKey,
    privateKey: createPrivateKey(authority.key),
  };
  const to = Math.min(validity.to, issuing.validToDate.getTime());
  const content = {
    serial: newSerial(),
    subject: name,
    publicKey,
    validity: { from: validity.from, to },
    extensions,
  };
  return pairOf(certificateOf(content, issuer), privateKey);
}

interface Content {
  readonly serial: Uint8Array;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly validity: Validity;
  readonly extensions: readonly Der[];
}

interface Issuer {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function certificateOf(
  { serial, subject, publicKey, validity, extensions }: Content,
  issuer: Issuer,
): X509Certificate {
  const version3 = explicit(0, integer(Uint8Array.of(2)));
  const algorithm = sequence(ids.ecdsaWithSha256);
  const named = [
    ...extensions,
    extension(ids.subjectKeyIdentifier, octets(identifierOf(publicKey))),
    extension(ids.authorityKeyIdentifier, sequence(implicit(0, identifierOf(issuer.publicKey)))),
  ];
  const content = sequence(
    version3,
    integer(serial),
    algorithm,
    nameOf(issuer.name),
    sequence(time(validity.from), time(validity.to)),
    nameOf(subject),
    spkiOf(publicKey),
    explicit(3, sequence(...named)),
  );
  const signature = sign("sha256", content, issuer.privateKey);
  return new X509Certificate(sequence(content, algorithm, bits(signature)));
}

const extension = (id: Der, value: Der, isCritical = false): Der =>
  sequence(id, ...(isCritical ? [boolean(true)] : []), octets(value));

const nameOf = (commonName: string): Der => sequence(setOf(sequence(ids.commonName, text(commonName))));

const spkiOf = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });

/** Any way to make it will do (RFC 5280, 4.2.1.2), as long as it is the same for subject and issuer. */
const identifierOf = (key: KeyObject): Buffer =>
  createHash("sha256").update(spkiOf(key)).digest().subarray(0, 20);

/** In network order. */
const bytesOf = ({ family, value }: Ip): Buffer =>
  Buffer.from(value.toString(16).padStart(widthOf(family) / 4, "0"), "hex");

const newKeys = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

/** 127 bits, never negative. */
function newSerial(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

const pairOf = (certificate: X509Certificate, key: KeyObject): Pair => ({
  certificate: certificate.toString(),
  key: key.export({ type: "pkcs8", format: "pem" }).toString(),
});
