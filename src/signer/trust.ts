// Whether the present certificates and keys are usable: whether they can be read and belong together, and who issued
// them. An unreadable one is not an error: it is replaced.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { formatIp, type Ip } from "../model/ip.ts";
import type { Pair } from "./certificate.ts";

/** The certificate of a pair; undefined when it cannot be read or the key is another's. */
export function certificateIn({ certificate, key }: Pair): X509Certificate | undefined {
  try {
    const parsed = new X509Certificate(certificate);
    return parsed.checkPrivateKey(createPrivateKey(key)) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** The certificates in PEM text, those that can be read, each once. */
export function certificatesIn(pem: string): readonly string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return [...new Set(blocks.flatMap((block) => readable(block)?.toString() ?? []))];
}

/** Whether `authority` (PEM) has signed `certificate`. */
export function isIssuedBy(certificate: X509Certificate, authority: string): boolean {
  const issuer = readable(authority);
  return issuer !== undefined && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** When a certificate in PEM ends, in milliseconds since 1970. */
export const endOf = (pem: string): number => readable(pem)?.validToDate.getTime() ?? 0;

export const hasAddresses = (certificate: X509Certificate, addresses: readonly Ip[]): boolean =>
  addresses.every((address) => certificate.checkIP(formatIp(address)) !== undefined);

function readable(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
