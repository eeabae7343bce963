// Renewal as a story of years: at every step, whoever has the keyring of before and whoever has the one of after must accept
// each other, in any mixture.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../model/ip.ts";
import { newAuthority, newCertificate } from "./certificate.ts";
import { type Keyring, type MemberName, memberNames, members, renewed } from "./renewal.ts";
import { certificateIn, isIssuedBy } from "./trust.ts";

const day = 86_400_000;
const start = Date.UTC(2026, 10, 29);
const lives = { lifeMs: 90 * day, authorityLifeMs: 365 * day };
const addresses = ["192.0.2.10"].flatMap((text) => parseIp(text) ?? []);
const nothing: Keyring = { authorities: {}, holdings: {} };

const at = (nowMs: number, isInForce = true) => ({ nowMs, isInForce, addresses, ...lives });

/** Who connects to whom. */
const talks: readonly (readonly [MemberName, MemberName])[] = [
  ["controller", "central"],
  ["node", "central"],
  ["central", "central"],
];

/** What is wrong when `one`, with its keyring, shows its certificate to `other`; undefined when it is believed. */
function distrust(
  [one, mine]: readonly [MemberName, Keyring],
  [other, theirs]: readonly [MemberName, Keyring],
  nowMs: number,
): string | undefined {
  const pair = mine.holdings[one]?.pair;
  const certificate = pair && certificateIn(pair);
  if (!certificate) return `${one} has no certificate`;
  if (certificate.validToDate.getTime() < nowMs) return `the certificate of ${one} has expired`;
  const trusted = theirs.holdings[other]?.trusted[members[one].issuer] ?? [];
  return trusted.some((authority) => isIssuedBy(certificate, authority))
    ? undefined
    : `${other} does not trust the authority of ${one}`;
}

function assertBelieved(before: Keyring, after: Keyring, nowMs: number): void {
  for (const [client, server] of talks)
    for (const mine of [before, after])
      for (const theirs of [before, after]) {
        assert.equal(distrust([client, mine], [server, theirs], nowMs), undefined);
        assert.equal(distrust([server, theirs], [client, mine], nowMs), undefined);
      }
}

const certificatesOf = ({ holdings }: Keyring): readonly string[] =>
  memberNames.flatMap((name) => holdings[name]?.pair.certificate ?? []);

/** Looks every tenth day, and then until nothing changes any more. Returns every keyring that there was. */
function pass(first: Keyring, fromMs: number, days: number): readonly Keyring[] {
  const seen = [first];
  for (let nowMs = fromMs; nowMs < fromMs + days * day; nowMs += 10 * day) {
    for (let isInForce = true, looks = 0; ; looks++) {
      const before = seen.at(-1) ?? first;
      const after = renewed(before, at(nowMs, isInForce));
      const isSame = JSON.stringify(after) === JSON.stringify(before);
      if (isSame && isInForce) break;
      // What has changed is not in force at the next look, and at the one after that it is.
      isInForce = isSame;
      if (isSame) continue;
      assertBelieved(before, after, nowMs);
      seen.push(after);
      assert.ok(looks < 20, "it never comes to rest");
    }
  }
  return seen;
}

test("for three years nobody ever meets a certificate that it does not trust, or one that has expired", () => {
  const first = renewed(nothing, at(start, false));
  const seen = pass(first, start, 3 * 365);
  const certificates = new Set(seen.flatMap(certificatesOf));
  const authorities = new Set(seen.flatMap((keyring) => keyring.authorities.central?.certificate ?? []));
  // A certificate lives for 60 days, an authority for two thirds of a year.
  assert.ok(certificates.size > 3 * 3 * 5, `${certificates.size} certificates`);
  assert.ok(authorities.size >= 4, `${authorities.size} authorities`);
  for (const keyring of seen) assert.ok((keyring.holdings.node?.trusted.central?.length ?? 0) <= 2);
  assert.ok(seen.some((keyring) => keyring.holdings.node?.trusted.central?.length === 1));
});

test("where all is well nothing changes", () => {
  const first = renewed(nothing, at(start, false));
  for (const isInForce of [false, true])
    assert.deepEqual(renewed(first, at(start + 59 * day, isInForce)), first);
});

test("a node's authority opens no door to the northbound database", () => {
  const { holdings, authorities } = renewed(nothing, at(start, false));
  for (const name of ["central", "controller", "node"] as const)
    assert.deepEqual(holdings[name]?.trusted.central, [authorities.central?.certificate]);
  assert.deepEqual(holdings.central?.trusted.nodes, [authorities.nodes?.certificate]);
  assert.equal(holdings.controller?.trusted.nodes, undefined);
  assert.equal(holdings.node?.trusted.nodes, undefined);
});

test("authorities that somebody else made are replaced without a moment of distrust", () => {
  const validity = { from: start, to: start + 3650 * day };
  const [central, nodes] = [newAuthority("theirs", validity), newAuthority("theirs too", validity)];
  const pair = (name: MemberName) =>
    newCertificate(
      members[name].issuer === "central" ? central : nodes,
      { name, addresses: members[name].serves ? addresses : [], serves: members[name].serves },
      validity,
    );
  const trusted = { central: [central.certificate] };
  const found: Keyring = {
    authorities: {},
    holdings: {
      central: { pair: pair("central"), trusted: { ...trusted, nodes: [nodes.certificate] } },
      controller: { pair: pair("controller"), trusted },
      node: { pair: pair("node"), trusted },
    },
  };
  const seen = pass(found, start, 10);
  assert.equal(seen.length, 4, "everybody trusts both, then has the new, then trusts only the new");
  const last = seen.at(-1);
  assert.deepEqual(last?.holdings.node?.trusted.central, [last?.authorities.central?.certificate]);
  assert.notEqual(last?.authorities.central?.certificate, central.certificate);
});

test("what is missing, expired, unreadable or for another address is made anew at once", () => {
  const first = renewed(nothing, at(start, false));
  const node = first.holdings.node;
  const central = first.holdings.central;
  assert.ok(node && central);
  const moved = ["192.0.2.99"].flatMap((text) => parseIp(text) ?? []);
  const cases: readonly (readonly [MemberName, Keyring, object])[] = [
    ["node", { ...first, holdings: { ...first.holdings, node: { ...node, trusted: {} } } }, {}],
    ["node", { ...first, holdings: { central } }, {}],
    [
      "node",
      {
        ...first,
        holdings: { ...first.holdings, node: { ...node, pair: { ...node.pair, key: "nonsense" } } },
      },
      {},
    ],
    ["node", first, { nowMs: start + 91 * day }],
    ["central", first, { addresses: moved }],
  ];
  for (const [member, present, more] of cases) {
    const now = { ...at(start + day, false), ...more };
    const after = renewed(present, now);
    assertBelieved(after, after, now.nowMs);
    assert.ok(after.holdings[member]);
    if (present === first)
      assert.notEqual(after.holdings[member]?.pair.certificate, first.holdings[member]?.pair.certificate);
    assert.deepEqual(after.authorities, first.authorities);
  }
});
