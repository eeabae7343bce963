// TLS as Open vSwitch uses it: both sides have a certificate of one private authority, and the names in them do not
// matter unless asked for. Files are read again for each connection, so that renewed ones are used without a restart.

import { readFileSync } from "node:fs";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { OvsdbError } from "./errors.ts";
import type { TlsOptions } from "./tlsOptions.ts";

/** Begins to connect. Throws a "tls error" for files that cannot be read or used. */
export function connectTls(host: string, port: number, tls: TlsOptions): TLSSocket {
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined))
    throw new OvsdbError("tls error", "tls: a certificate needs its key, and a key needs its certificate");
  const { serverName } = tls;
  const options: ConnectionOptions = {
    host,
    port,
    ca: read(tls.caFile, "the authority's certificate"),
    ...(tls.certFile !== undefined && { cert: read(tls.certFile, "the certificate") }),
    ...(tls.keyFile !== undefined && { key: read(tls.keyFile, "the key") }),
    ...(serverName === undefined ? { checkServerIdentity: () => undefined } : { servername: serverName }),
    minVersion: "TLSv1.2",
  };
  try {
    return connect(options).setNoDelay();
  } catch (cause) {
    const files = [tls.caFile, tls.certFile, tls.keyFile].filter((file) => file !== undefined).join(", ");
    const why =
      codeOf(cause) === "ERR_OSSL_X509_KEY_VALUES_MISMATCH"
        ? "the key does not belong to the certificate"
        : "no good PEM";
    throw new OvsdbError("tls error", `tls: ${why} in ${files}: ${messageOf(cause)}`, { cause });
  }
}

/** The meaning of an error of a TLS connection; undefined when it is about the connection underneath. */
export function tlsError(cause: Error): OvsdbError | undefined {
  const code = codeOf(cause);
  if (/before secure TLS connection/.test(cause.message))
    return new OvsdbError(
      "tls error",
      "tls: the server ended the handshake: does it speak TLS on this port?",
      {
        cause,
      },
    );
  const meaning = meanings.find(([pattern]) => pattern.test(code))?.[1];
  if (meaning === undefined && !/^(ERR_SSL|ERR_TLS|ERR_OSSL|CERT_|UNABLE_)/.test(code)) return undefined;
  return new OvsdbError(
    "tls error",
    `tls: ${meaning ?? "the handshake failed"} (${code}: ${cause.message})`,
    { cause },
  );
}

/** Codes of OpenSSL and Node, and what to do about them. */
const meanings: readonly (readonly [code: RegExp, meaning: string])[] = [
  [
    /^(UNABLE_TO_|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA)/,
    "the server's certificate is not signed by the authority in caFile",
  ],
  [/^CERT_HAS_EXPIRED/, "the server's certificate, or its authority's, has expired"],
  [/^CERT_NOT_YET_VALID/, "the server's certificate is not valid yet: do the clocks agree?"],
  [/ALTNAME_INVALID/, "the server's certificate is for another name than serverName"],
  [/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE/, "the server wants a certificate: give certFile and keyFile"],
  [/ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|DECRYPT_ERROR)/, "the server does not know the authority of certFile"],
  [/ALERT_CERTIFICATE_EXPIRED/, "the certificate in certFile has expired"],
  [
    /ALERT_CERTIFICATE_(REVOKED|UNKNOWN)|UNSUPPORTED_CERTIFICATE/,
    "the server refuses the certificate in certFile",
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|RECORD_LAYER|HTTP_REQUEST/,
    "the server does not speak TLS on this port",
  ],
  [/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, "the server speaks no secure version of TLS"],
];

function read(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new OvsdbError("tls error", `tls: cannot read ${what}: ${messageOf(cause)}`, { cause });
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
