import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseIp } from "../model/ip.ts";
import { heardIn, wantedFor } from "./hearing.ts";
import { type Answer, type Question, types } from "./message.ts";

const question = (name: string, type: number = types.A): Question => ({ name, type, bytes: Buffer.alloc(0) });
const address = (owner: string, text: string, ttl = 300): Answer["addresses"][number] => {
  const ip = parseIp(text);
  assert.ok(ip);
  return { owner, ip, ttl };
};
const alias = (owner: string, target: string, ttl = 300): Answer["aliases"][number] => ({
  owner,
  target,
  ttl,
});
const heard = (asked: Question, answer: Partial<Answer>): readonly (readonly [string, string, number])[] =>
  [...(heardIn(asked, { aliases: [], addresses: [], ...answer }, 0)?.addresses ?? [])].map(
    ([ip, { name, untilMs }]) => [ip, name, untilMs / 1000],
  );

test("addresses are those of the question's name, by aliases or without", () => {
  const addresses = [address("edge.example.net", "192.0.2.1"), address("other.example.net", "192.0.2.2")];
  const aliases = [
    alias("www.example.com", "cdn.example.org"),
    alias("cdn.example.org", "edge.example.net", 90),
  ];
  assert.deepEqual(heard(question("www.example.com"), { aliases, addresses }), [
    ["192.0.2.1", "www.example.com", 100],
  ]);
  assert.deepEqual(heard(question("edge.example.net"), { aliases, addresses }), [
    ["192.0.2.1", "edge.example.net", 310],
  ]);
  assert.deepEqual(heard(question("nothing.example.com"), { aliases, addresses }), []);
});

test("an address counts for its time and ten seconds, for a minute at least and a day at most", () => {
  const lasts = (ttl: number) =>
    heard(question("a.example.com"), { addresses: [address("a.example.com", "192.0.2.1", ttl)] })[0]?.[2];
  assert.deepEqual([0, 5, 50, 51, 3600, 2 ** 31 - 1].map(lasts), [60, 60, 60, 61, 3610, 86_400]);
});

test("aliases in a circle, other types and other families say nothing", () => {
  const circle = [alias("a.example.com", "b.example.com"), alias("b.example.com", "a.example.com")];
  const addresses = [address("a.example.com", "192.0.2.1"), address("a.example.com", "2001:db8::1")];
  assert.deepEqual(heard(question("a.example.com"), { aliases: circle, addresses }), []);
  assert.deepEqual(heard(question("a.example.com", 16), { addresses }), []);
  assert.deepEqual(
    heard(question("a.example.com", types.AAAA), { addresses }).map(([ip]) => ip),
    ["2001:db8::1"],
  );
});

test("nobody's name leads to loopback, link-local, multicast or the machine's metadata", () => {
  const texts = ["127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "255.255.255.255"];
  const addresses = texts.map((text) => address("a.example.com", text));
  assert.deepEqual(heard(question("a.example.com"), { addresses }), []);
  const six = ["::1", "fe80::1", "ff02::1", "::"].map((text) => address("a.example.com", text));
  assert.deepEqual(heard(question("a.example.com", types.AAAA), { addresses: six }), []);
});

test("no answer keeps an address longer than the shortest time on the way to it allows", () => {
  const ttls = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(ttls, (chain) => {
      const last = `n${chain.length - 1}.example.com`;
      const aliases = chain
        .slice(0, -1)
        .map((ttl, nth) => alias(`n${nth}.example.com`, `n${nth + 1}.example.com`, ttl));
      const found = heard(question("n0.example.com"), {
        aliases,
        addresses: [address(last, "192.0.2.1", chain.at(-1))],
      });
      const seconds = Math.min(...chain) + 10;
      assert.deepEqual(found, [["192.0.2.1", "n0.example.com", Math.min(Math.max(seconds, 60), 86_400)]]);
    }),
  );
});

test("only wanted patterns are filled", () => {
  const wanted = new Set(["*.example.com", "www.example.com", "*.net"]);
  assert.deepEqual(wantedFor("www.example.com", wanted), ["www.example.com", "*.example.com"]);
  assert.deepEqual(wantedFor("example.com", wanted), []);
});
