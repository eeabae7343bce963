// The options for `ssl:host:port` remotes. Separate from tls.ts, so that users of this library do not need Node's
// type declarations.

export interface TlsOptions {
  /** PEM file with the certificate of the authority that signed the server's: `--ca-cert` of ovn-nbctl. */
  readonly caFile: string;
  /** PEM file with this client's certificate, and any certificates between it and the authority: `--certificate`. */
  readonly certFile?: string;
  /** File with its key, in PEM: `--private-key`. */
  readonly keyFile?: string;
  /** The name that the server's certificate must have. Open vSwitch's own tools do not check it. */
  readonly serverName?: string;
}
