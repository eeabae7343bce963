// Packets that are correct and rare get nothing past a policy or port security: with IP options, with extension headers, in
// fragments, in fragments that contradict each other. The policy allows one port, and another one is tried. To a friend it allows
// everything: what he says in fragments is heard, so the silence of the others means something.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Family } from "../../src/model/ip.ts";
import { parseIp } from "../../src/model/ip.ts";
import { macOf } from "../../src/model/mac.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { Cluster } from "./cluster.ts";
import { datagram, type Identity } from "./frames.ts";
import { namespace, pod } from "./manifests.ts";
import { headers6, inPieces, options4, withHeaders6, withOptions4 } from "./oddFrames.ts";
import { type Spoken, Wire } from "./wire.ts";

const mallory = "odd/mallory";
const friend = "odd/friend";
const listeners = ["odd/near", "odd/far"];
/** The policy lets UDP in by this port only, but for the friend. */
const allowed = 10;
const denied = 11;
const families = [4, 6] as const;

suite("odd packets", suiteLimit, () => {
  let cluster: Cluster;
  let wire: Wire;
  const pods = new Map<string, Identity>();

  before(async () => {
    cluster = await Cluster.up({ name: "odd", nodes: 2 });
    await cluster.apply(
      namespace("odd"),
      ...[...listeners, mallory, friend].map((place) =>
        pod({
          namespace: "odd",
          name: nameOf(place),
          node: place === "odd/far" ? "n2" : "n1",
          labels: { app: nameOf(place) },
        }),
      ),
      {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { namespace: "odd", name: "one-port" },
        spec: {
          podSelector: {},
          ingress: [
            { ports: [{ protocol: "UDP", port: allowed }] },
            { from: [{ podSelector: { matchLabels: { app: "friend" } } }] },
          ],
        },
      },
    );
    await cluster.podsReady("odd");
    for (const place of [...listeners, mallory, friend]) pods.set(place, await identityOf(place));
    wire = new Wire(cluster);
    for (const place of listeners) await wire.listen(place);
  });
  after(async () => {
    await wire?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test("what a policy forbids does not pass, however it is made; what it allows passes in fragments too", async () => {
    for (const place of listeners)
      for (const family of families) {
        const to = nextHop(place);
        const me = the(mallory);
        const proof = { from: mallory, to: place, spoken: said(family, me, to, allowed) };
        await wire.expectHeard(proof);
        for (const spoken of fragmented("a friend's", family, the(friend), to, denied, ordinary))
          await wire.expectHeard({ ...proof, from: friend, spoken });
        const unheard = [
          said(family, me, to, denied),
          ...sizes.flatMap((size) => [
            ...fragmented("denied", family, me, to, denied, size),
            ...contradicting(family, me, to, size),
            ...decorated(family, me, to, denied, size),
          ]),
        ];
        assert.deepEqual(await wire.overheard(mallory, unheard, proof), [], place);
      }
  });

  test("whose address is another's is not heard, with options, extension headers or in fragments", async () => {
    for (const family of families)
      for (const place of listeners) {
        const to = nextHop(place);
        const me = the(mallory);
        const other = { ...the(place === "odd/near" ? "odd/far" : "odd/near"), mac: me.mac };
        const proof = { from: mallory, to: place, spoken: said(family, me, to, allowed) };
        const mixed = say("a rest with another's address", (mark) => {
          const [mine, others] = [me, other].map((from) =>
            datagram(family, from, to, filled(mark, ordinary), allowed),
          );
          assert.ok(mine && others);
          return inPieces(mine, idOf(mark), [
            { from: 0, to: ordinary },
            { from: ordinary, of: others },
          ]);
        });
        const unheard = [
          ...sizes.flatMap((size) => [
            ...fragmented("another's", family, other, to, allowed, size),
            ...decorated(family, other, to, allowed, size),
          ]),
          mixed,
        ];
        assert.deepEqual(await wire.overheard(mallory, unheard, proof), []);
      }
  });

  const the = (place: string): Identity => pods.get(place) ?? assert.fail(place);

  /** The pod's addresses, at the MAC of the router unless it is on the sender's own node. */
  const nextHop = (place: string): Identity => {
    const gateway = parseIp(the(mallory)[4].replace(/\d+$/, "1")) ?? assert.fail();
    return place === "odd/near" ? the(place) : { ...the(place), mac: macOf(gateway) };
  };

  async function identityOf(place: string): Promise<Identity> {
    const addresses = await cluster.addressesOf("odd", nameOf(place));
    const of = (family: Family): string =>
      addresses.find((address) => parseIp(address)?.family === family) ?? assert.fail(place);
    return { mac: macOf(parseIp(of(4)) ?? assert.fail(place)), 4: of(4), 6: of(6) };
  }
});

const nameOf = (place: string): string => place.split("/")[1] ?? "";

const say = (what: string, frame: Spoken["frame"]): Spoken => ({ what, frame });

/** Of fragments, in units of 8 bytes: the ports alone, and what Open vSwitch passes on at all (`ipf-set-min-frag`). */
const tiny = 1;
const ordinary = 164;
const sizes = [tiny, ordinary];

/** Two fragments of the size and a bit, with the mark everywhere. */
const filled = (mark: string, size: number): string =>
  mark.repeat(Math.ceil(((2 * size + 3) * 8) / mark.length));

/** Each mark has an identification of its own. */
const idOf = (mark: string): number => Number(mark.replaceAll(/\D/g, ""));

const said = (family: Family, from: Identity, to: Identity, port: number): Spoken =>
  say(`IPv${family} to port ${port}`, (mark) => datagram(family, from, to, mark, port));

/** The datagram in three fragments, in order and not. */
const fragmented = (
  what: string,
  family: Family,
  from: Identity,
  to: Identity,
  port: number,
  size: number,
): readonly Spoken[] =>
  ["in order", "backwards"].map((order) =>
    say(`${what}, IPv${family}, fragments of ${size * 8} bytes ${order}`, (mark) => {
      const whole = datagram(family, from, to, filled(mark, size), port);
      const pieces = inPieces(whole, idOf(mark), [
        { from: 0, to: size },
        { from: size, to: 2 * size },
        { from: 2 * size },
      ]);
      return order === "backwards" ? pieces.toReversed() : pieces;
    }),
  );

/** Fragments of two datagrams, one to the allowed port and one to the denied one, that overlap where the ports are. */
const contradicting = (family: Family, from: Identity, to: Identity, size: number): readonly Spoken[] =>
  (
    [
      ["the denied port comes last", allowed, denied],
      ["the allowed port comes last", denied, allowed],
    ] as const
  ).map(([what, first, second]) =>
    say(`IPv${family}, overlapping fragments of ${size * 8} bytes, ${what}`, (mark) => {
      const one = datagram(family, from, to, filled(mark, size), first);
      const of = datagram(family, from, to, filled(mark, size), second);
      return inPieces(one, idOf(mark), [
        { from: 0, to: size },
        { from: 0, to: size, of },
        { from: size, of },
      ]);
    }),
  );

/** With each option or header that there is, whole and in fragments. */
const decorated = (
  family: Family,
  from: Identity,
  to: Identity,
  port: number,
  size: number,
): readonly Spoken[] => {
  const made: readonly (readonly [string, (frame: Buffer) => Buffer])[] =
    family === 4
      ? Object.entries(options4(to[4])).map(([what, options]) => [
          what,
          (frame) => withOptions4(frame, options),
        ])
      : Object.entries(headers6(to[6])).map(([what, headers]) => [
          what,
          (frame) => withHeaders6(frame, headers),
        ]);
  return made.flatMap(([what, make]) => [
    say(`IPv${family} to port ${port} with ${what}`, (mark) => make(datagram(family, from, to, mark, port))),
    say(`IPv${family} to port ${port} with ${what}, in fragments`, (mark) =>
      inPieces(make(datagram(family, from, to, filled(mark, size), port)), idOf(mark), [
        { from: 0, to: size },
        { from: size },
      ]),
    ),
  ]);
};
