// The certificates in the Secrets of `weft signer`, and whom their holders trust.

import { X509Certificate } from "node:crypto";
import { memberNames } from "../../../src/signer/renewal.ts";
import { secretOf } from "../../../src/signer/secrets.ts";
import { certificatesIn, isIssuedBy } from "../../../src/signer/trust.ts";
import type { Cluster } from "../cluster/cluster.ts";

export class Certificates {
  /** One for each Secret, in PEM. */
  readonly own: readonly string[];
  /** All authorities that anybody trusts, in PEM. */
  readonly trusted: ReadonlySet<string>;

  constructor(own: readonly string[], trusted: ReadonlySet<string>) {
    this.own = own;
    this.trusted = trusted;
  }

  /** Every certificate and every authority has come since `before`, and nobody trusts more than the two authorities. */
  isAnew(before: Certificates): boolean {
    const issuers = [...this.trusted];
    return (
      this.trusted.size === 2 &&
      this.trusted.isDisjointFrom(before.trusted) &&
      this.own.every((pem) => issuers.some((issuer) => isIssuedBy(new X509Certificate(pem), issuer)))
    );
  }
}

export async function certificatesOf(cluster: Cluster): Promise<Certificates> {
  const own: string[] = [];
  const trusted = new Set<string>();
  for (const name of memberNames) {
    const { data }: { readonly data: Readonly<Record<string, string>> } = JSON.parse(
      await cluster.kubectl(["-n", "kube-system", "get", "secret", secretOf(name), "-o", "json"]),
    );
    const file = (key: string): string => Buffer.from(data[key] ?? "", "base64").toString();
    own.push(file("tls.crt"));
    for (const key of ["ca.crt", "clients.crt"])
      for (const authority of certificatesIn(file(key))) trusted.add(authority);
  }
  return new Certificates(own, trusted);
}
