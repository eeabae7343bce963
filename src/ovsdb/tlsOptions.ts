// What a session needs for remotes `ssl:host:port`. Apart from tls.ts, so that a program that uses this library needs
// no type declarations of Node.

export interface TlsOptions {
  /** File with the authority's certificate, in PEM, by which the server is known: `--ca-cert` of ovn-nbctl. */
  readonly caFile: string;
  /** File with this client's certificate, in PEM, and any between it and the authority: `--certificate`. */
  readonly certFile?: string;
  /** File with its key, in PEM: `--private-key`. */
  readonly keyFile?: string;
  /** The name that the server's certificate must have. Open vSwitch's own tools check none. */
  readonly serverName?: string;
}
