// Which certificates there should be, given those that there are. Pure but for the keys that it makes.
//
// There are two authorities: `central` signs for databases and controllers, `nodes` for the nodes. The northbound database takes
// only the first one's certificates, so a node's key is no key to it.
//
// A new authority takes the old one's place in three steps, each of which has to be in force everywhere before the next:
// everybody trusts both, then everybody has a certificate by the new one, then nobody trusts the old one any more. The old key
// is thrown away at the first step, because nothing is signed with it again. An authority that Weft did not make, such as
// that of an earlier version of the chart, is replaced in the same way.

import type { Ip } from "../model/ip.ts";
import { newAuthority, newCertificate, type Pair, type Validity } from "./certificate.ts";
import { certificateIn, endOf, hasAddresses, isIssuedBy } from "./trust.ts";

export const authorityNames = ["central", "nodes"] as const;
export type AuthorityName = (typeof authorityNames)[number];

export const memberNames = ["central", "controller", "node"] as const;
export type MemberName = (typeof memberNames)[number];

interface Member {
  readonly issuer: AuthorityName;
  readonly trusts: readonly AuthorityName[];
  readonly serves: boolean;
}

export const members: Readonly<Record<MemberName, Member>> = {
  central: { issuer: "central", trusts: ["central", "nodes"], serves: true },
  controller: { issuer: "central", trusts: ["central"], serves: false },
  node: { issuer: "nodes", trusts: ["central"], serves: false },
};

/** What one member has. */
export interface Holding {
  readonly pair: Pair;
  /** Certificates of authorities, in PEM. */
  readonly trusted: Readonly<Partial<Record<AuthorityName, readonly string[]>>>;
}

export interface Keyring {
  readonly authorities: Readonly<Partial<Record<AuthorityName, Pair>>>;
  readonly holdings: Readonly<Partial<Record<MemberName, Holding>>>;
}

export interface Circumstances {
  /** By the wall clock, in milliseconds since 1970. */
  readonly nowMs: number;
  /** Every program has had the present keyring for long enough to be using it. */
  readonly isInForce: boolean;
  readonly lifeMs: number;
  readonly authorityLifeMs: number;
  /** Of the databases. */
  readonly addresses: readonly Ip[];
}

/** Clocks of nodes differ: a new certificate is valid from a moment ago. */
const leewayMs = 5 * 60_000;

/** The keyring that should take the place of `present`; equal to it when all is well. */
export function renewed(present: Keyring, circumstances: Circumstances): Required<Keyring> {
  const { authorityLifeMs } = circumstances;
  const authority = (name: AuthorityName): Pair => {
    const pair = present.authorities[name];
    return pair && isGoodFor(pair, authorityLifeMs / 3, circumstances)
      ? pair
      : newAuthority(`weft ${name}`, validFor(authorityLifeMs, circumstances));
  };
  const authorities = { central: authority("central"), nodes: authority("nodes") };
  const trusted = {
    central: trustedIn(present, "central"),
    nodes: trustedIn(present, "nodes"),
  };
  const pairs = {
    central: pairOf("central", { present, authorities, trusted, circumstances }),
    controller: pairOf("controller", { present, authorities, trusted, circumstances }),
    node: pairOf("node", { present, authorities, trusted, circumstances }),
  };
  const bundles = {
    central: bundleOf("central", { present, authorities, trusted, circumstances }),
    nodes: bundleOf("nodes", { present, authorities, trusted, circumstances }),
  };
  const holding = (name: MemberName): Holding => ({
    pair: pairs[name],
    trusted: Object.fromEntries(members[name].trusts.map((each) => [each, bundles[each]])),
  });
  return {
    authorities,
    holdings: {
      central: holding("central"),
      controller: holding("controller"),
      node: holding("node"),
    },
  };
}

interface Situation {
  readonly present: Keyring;
  readonly authorities: Readonly<Record<AuthorityName, Pair>>;
  /** What anybody trusts at present. */
  readonly trusted: Readonly<Record<AuthorityName, readonly string[]>>;
  readonly circumstances: Circumstances;
}

/** The member's present pair while it is still good, otherwise a new one. */
function pairOf(name: MemberName, situation: Situation): Pair {
  const { present, authorities, trusted, circumstances } = situation;
  const { lifeMs, addresses } = circumstances;
  const { issuer, serves } = members[name];
  const known = serves ? addresses : [];
  const pair = present.holdings[name]?.pair;
  const certificate = pair && certificateIn(pair);
  if (pair && certificate) {
    const isUsable =
      isGoodFor(pair, 0, circumstances) &&
      hasAddresses(certificate, known) &&
      trusted[issuer].some((authority) => isIssuedBy(certificate, authority));
    const isCurrent =
      isIssuedBy(certificate, authorities[issuer].certificate) && isGoodFor(pair, lifeMs / 3, circumstances);
    if (isUsable && (isCurrent || !isTrustedByAll(issuer, situation))) return pair;
  }
  const request = { name: `weft ${name}`, addresses: known, serves };
  return newCertificate(authorities[issuer], request, validFor(lifeMs, circumstances));
}

/**
 * What programs that check this authority's certificates must trust: the authority, and earlier ones that are still in
 * use.
 */
function bundleOf(
  name: AuthorityName,
  { present, authorities, trusted, circumstances }: Situation,
): readonly string[] {
  const { nowMs, isInForce } = circumstances;
  const signing = authorities[name].certificate;
  const inUse = memberNames
    .filter((member) => members[member].issuer === name)
    .flatMap((member) => present.holdings[member]?.pair ?? [])
    .flatMap((pair) => certificateIn(pair) ?? []);
  const before = trusted[name].filter(
    (authority) =>
      authority !== signing &&
      endOf(authority) > nowMs &&
      (!isInForce || inUse.some((certificate) => isIssuedBy(certificate, authority))),
  );
  return [signing, ...before];
}

const isTrustedByAll = (name: AuthorityName, { present, authorities, circumstances }: Situation): boolean =>
  circumstances.isInForce &&
  memberNames.every(
    (member) =>
      !members[member].trusts.includes(name) ||
      present.holdings[member]?.trusted[name]?.includes(authorities[name].certificate),
  );

const trustedIn = ({ holdings }: Keyring, name: AuthorityName): readonly string[] => [
  ...new Set(memberNames.flatMap((member) => holdings[member]?.trusted[name] ?? [])),
];

/** It can be read, key and certificate belong together, and it lasts for more than `leftMs`. */
function isGoodFor(pair: Pair, leftMs: number, { nowMs }: Circumstances): boolean {
  const certificate = certificateIn(pair);
  return certificate !== undefined && certificate.validToDate.getTime() - nowMs > leftMs;
}

const validFor = (lifeMs: number, { nowMs }: Circumstances): Validity => ({
  from: nowMs - leewayMs,
  to: nowMs + lifeMs,
});
