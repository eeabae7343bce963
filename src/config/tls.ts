// TLS to OVN's databases, for remotes that ask for it. The options have the same names as in ovn-nbctl(8). Deployments set the
// environment variables, so that `weft status` beside a controller needs no options.

import { Option } from "commander";
import type { TlsOptions } from "../ovsdb/index.ts";
import { ConfigError } from "./error.ts";

export interface TlsFlags {
  readonly caCert?: string;
  readonly certificate?: string;
  readonly privateKey?: string;
}

export const caCertOption = (): Option =>
  new Option(
    "--ca-cert <file>",
    "for remotes ssl:HOST:PORT: certificate of the authority that signed OVN's databases' certificates",
  ).env("WEFT_CA_CERT");

export const certificateOption = (): Option =>
  new Option("--certificate <file>", "for remotes ssl:HOST:PORT: this program's certificate").env(
    "WEFT_CERTIFICATE",
  );

export const privateKeyOption = (): Option =>
  new Option("--private-key <file>", "for remotes ssl:HOST:PORT: the private key of that certificate").env(
    "WEFT_PRIVATE_KEY",
  );

/** Undefined when none of the remotes uses TLS. Throws a `ConfigError` when options and remotes do not fit together. */
export function tlsIn(flags: TlsFlags, remotes: readonly string[]): TlsOptions | undefined {
  const { caCert: caFile, certificate: certFile, privateKey: keyFile } = flags;
  const secured = remotes.find((remote) => /^(ssl|tls):/.test(remote));
  if (secured === undefined) {
    if (caFile === undefined && certFile === undefined && keyFile === undefined) return undefined;
    throw new ConfigError(
      "--ca-cert, --certificate and --private-key are for remotes ssl:HOST:PORT, but there is none",
    );
  }
  if (caFile === undefined)
    throw new ConfigError(`${secured} needs --ca-cert, the authority that signed the server's certificate`);
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new ConfigError("--certificate needs its --private-key, and the key needs its certificate");
  return {
    caFile,
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
  };
}
