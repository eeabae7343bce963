import assert from "node:assert/strict";
import { test } from "node:test";
import * as dns from "dns-packet";
import fc from "fast-check";
import { formatIp } from "../model/ip.ts";
import { answerTo, type Question, questionOf, types } from "./message.ts";

const query = (name: string, type: dns.RecordType = "A"): Buffer =>
  dns.encode({
    type: "query",
    id: 7,
    flags: dns.RECURSION_DESIRED,
    questions: [{ name, type, class: "IN" }],
  });
const asked = (name: string, type?: dns.RecordType): Question => {
  const question = questionOf(query(name, type));
  assert.ok(question);
  return question;
};
const response = (name: string, answers: dns.Answer[], more: dns.Packet = {}): Buffer =>
  dns.encode({ type: "response", id: 7, questions: [{ name, type: "A", class: "IN" }], answers, ...more });

test("a question is its name in lower case and its type", () => {
  const { name, type } = asked("WWW.Example.com", "AAAA");
  assert.deepEqual([name, type], ["www.example.com", types.AAAA]);
  assert.equal(asked("a b.example.com").name, undefined);
  assert.equal(questionOf(dns.encode({ type: "query", id: 7 })), undefined);
});

test("an answer has the addresses and aliases of its first section", () => {
  const message = response(
    "www.example.com",
    [
      { type: "CNAME", name: "www.example.com", ttl: 300, data: "Edge.example.net" },
      { type: "A", name: "edge.example.net", ttl: 60, data: "192.0.2.1" },
      { type: "TXT", name: "edge.example.net", ttl: 60, data: "nothing" },
    ],
    { additionals: [{ type: "A", name: "ns.example.net", ttl: 60, data: "192.0.2.9" }] },
  );
  const answer = answerTo(asked("www.example.com"), message);
  assert.deepEqual(answer?.aliases, [{ owner: "www.example.com", target: "edge.example.net", ttl: 300 }]);
  assert.deepEqual(
    answer?.addresses.map(({ owner, ip, ttl }) => [owner, formatIp(ip), ttl]),
    [["edge.example.net", "192.0.2.1", 60]],
  );
});

test("only a whole answer without an error to this question counts", () => {
  const record: dns.Answer = { type: "A", name: "a.example.com", ttl: 60, data: "192.0.2.1" };
  const whole = response("a.example.com", [record]);
  assert.ok(answerTo(asked("a.example.com"), whole));
  assert.equal(answerTo(asked("b.example.com"), whole), undefined);
  assert.equal(answerTo(asked("a.example.com", "AAAA"), whole), undefined);
  assert.ok(answerTo(asked("A.Example.com"), whole));
  assert.equal(answerTo(asked("a.example.com"), query("a.example.com")), undefined);
  for (const flags of [3, dns.TRUNCATED_RESPONSE])
    assert.equal(answerTo(asked("a.example.com"), response("a.example.com", [record], { flags })), undefined);
});

test("a name that points to itself or forward is none", () => {
  const head = response("a.example.com", []);
  head.writeUInt16BE(1, 6);
  const record = (pointer: number): Buffer => {
    const rest = Buffer.from([0xc0, 0, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
    rest.writeUInt16BE(0xc000 | pointer, 0);
    return Buffer.concat([head, rest]);
  };
  assert.ok(answerTo(asked("a.example.com"), record(12)));
  for (const pointer of [0, 11, head.length, head.length + 4])
    assert.equal(answerTo(asked("a.example.com"), record(pointer)), undefined, String(pointer));
});

const names = fc.constantFrom("a.example.com", "b.example.com", "c.example.net", "d.example.org");
const records = fc.oneof(
  fc.record({ type: fc.constant("A" as const), name: names, ttl: fc.nat(9999), data: fc.ipV4() }),
  fc.record({ type: fc.constant("CNAME" as const), name: names, ttl: fc.nat(9999), data: names }),
  fc.record({ type: fc.constant("TXT" as const), name: names, ttl: fc.nat(9999), data: fc.string() }),
);

test("what another implementation writes is read as it was meant", () => {
  fc.assert(
    fc.property(names, fc.array(records, { maxLength: 12 }), (name, answers) => {
      const answer = answerTo(asked(name), response(name, answers));
      assert.deepEqual(
        answer?.addresses.map(({ owner, ip, ttl }) => [owner, formatIp(ip), ttl]),
        answers.flatMap((one) => (one.type === "A" ? [[one.name, one.data, one.ttl]] : [])),
      );
      assert.deepEqual(
        answer?.aliases.map(({ owner, target, ttl }) => [owner, target, ttl]),
        answers.flatMap((one) => (one.type === "CNAME" ? [[one.name, one.data, one.ttl]] : [])),
      );
    }),
  );
});

test("no message makes it throw, or read addresses that the message does not contain", () => {
  const damaged = fc
    .tuple(
      names,
      fc.array(records, { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 8 }),
      fc.nat(500),
    )
    .map(([name, answers, edits, length]) => {
      const message = Buffer.from(response(name, answers));
      for (const [at, value] of edits) if (at < message.length) message[at] = value;
      return { name, message: message.subarray(0, length) };
    });
  const noise = fc
    .tuple(names, fc.uint8Array({ maxLength: 600 }))
    .map(([name, bytes]) => ({ name, message: Buffer.from(bytes) }));
  fc.assert(
    fc.property(fc.oneof(damaged, noise), ({ name, message }) => {
      questionOf(message);
      for (const { ip } of answerTo(asked(name), message)?.addresses ?? [])
        assert.ok(message.includes(Buffer.from(ip.value.toString(16).padStart(8, "0"), "hex")));
    }),
    { numRuns: 2000 },
  );
});
