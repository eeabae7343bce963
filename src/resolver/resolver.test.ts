// A resolver between real sockets: a server outside that says what the test tells it, and a client.

import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { after, before, beforeEach, suite, test } from "node:test";
import * as dns from "dns-packet";
import { parseIp } from "../model/ip.ts";
import { Frames, framed } from "./frames.ts";
import type { Heard } from "./hearing.ts";
import { isQuery, questionOf } from "./message.ts";
import { resolving } from "./resolver.ts";
import { serveDns } from "./serveDns.ts";
import { type Server, Upstreams } from "./upstreams.ts";

const ip = parseIp("127.0.0.1") ?? assert.fail();
const stop = new AbortController();
const { signal } = stop;

/** A port that is free by UDP and TCP. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

suite("the resolver", () => {
  let at: Server;
  let outside: Server;
  let reply: (query: dns.DecodedPacket) => readonly (dns.Packet | Buffer)[] = () => [];
  let asked = 0;
  const heard: Heard[] = [];
  let release: () => void = () => undefined;
  let hold: Promise<void> = Promise.resolve();
  const wanted = new Set(["www.example.com"]);

  before(async () => {
    at = { ip, port: await freePort() };
    outside = { ip, port: await freePort() };
    const datagrams = createSocket("udp4");
    datagrams.on("message", (message, from) => {
      asked++;
      for (const answer of reply(dns.decode(message)))
        datagrams.send(Buffer.isBuffer(answer) ? answer : dns.encode(answer), from.port, from.address);
    });
    datagrams.bind(outside.port, "127.0.0.1");
    await once(datagrams, "listening");
    const streams = createServer((client) => {
      const frames = new Frames();
      client.on("data", (part) => {
        for (const message of frames.take(part))
          for (const answer of reply(dns.decode(message)))
            client.write(framed(Buffer.isBuffer(answer) ? answer : dns.encode(answer)));
      });
    });
    streams.listen(outside.port, "127.0.0.1");
    await once(streams, "listening");
    signal.addEventListener("abort", () => {
      datagrams.close();
      streams.close();
    });
    const answer = resolving({
      upstreams: new Upstreams([outside]),
      book: {
        wanted,
        learn: async (what) => {
          heard.push(what);
          await hold;
          return true;
        },
      },
      metrics: { answered: () => undefined, held: () => undefined },
      wall: () => 0,
      log: () => undefined,
      signal,
    });
    await serveDns([at], answer, signal);
  });
  beforeEach(() => {
    heard.length = 0;
    hold = Promise.resolve();
  });
  after(() => stop.abort());

  const answers = (query: dns.DecodedPacket, ...data: readonly string[]): dns.Packet => ({
    type: "response",
    id: query.id ?? 0,
    questions: query.questions ?? [],
    answers: data.map((one) => ({ type: "A", name: query.questions?.[0]?.name ?? "", ttl: 300, data: one })),
  });
  const query = (name: string): Buffer =>
    dns.encode({ type: "query", id: 4711, questions: [{ name, type: "A", class: "IN" }] });
  const addressesIn = (message: Buffer): readonly unknown[] => {
    const { id, answers: all = [] } = dns.decode(message);
    assert.equal(id, 4711);
    return all.map((one) => "data" in one && one.data);
  };
  async function askUdp(name: string): Promise<readonly unknown[]> {
    const socket = createSocket("udp4");
    socket.send(query(name), at.port, "127.0.0.1");
    const [message] = await once(socket, "message");
    socket.close();
    return addressesIn(message);
  }
  async function askTcp(...names: readonly string[]): Promise<readonly (readonly unknown[])[]> {
    const socket = connect(at.port, "127.0.0.1");
    const frames = new Frames();
    const messages: Buffer[] = [];
    // In single bytes, as a stream may come.
    for (const byte of Buffer.concat(names.map((name) => framed(query(name)))))
      socket.write(Buffer.from([byte]));
    while (messages.length < names.length) messages.push(...frames.take((await once(socket, "data"))[0]));
    socket.destroy();
    return messages.map(addressesIn);
  }

  test("passes answers on over UDP and TCP, and learns those about names in policies", async () => {
    reply = (one) => [answers(one, "192.0.2.1", "192.0.2.2")];
    assert.deepEqual(await askUdp("other.example.com"), ["192.0.2.1", "192.0.2.2"]);
    assert.equal(heard.length, 0);
    assert.deepEqual(await askUdp("WWW.example.com"), ["192.0.2.1", "192.0.2.2"]);
    assert.deepEqual(await askTcp("www.example.com", "a.example.com"), [
      ["192.0.2.1", "192.0.2.2"],
      ["192.0.2.1", "192.0.2.2"],
    ]);
    assert.deepEqual(
      heard.map(({ name, addresses }) => [name, ...addresses.keys()]),
      [
        ["www.example.com", "192.0.2.1", "192.0.2.2"],
        ["www.example.com", "192.0.2.1", "192.0.2.2"],
      ],
    );
  });

  test("an answer is held until what it says is in force, and others pass meanwhile", async () => {
    ({ promise: hold, resolve: release } = Promise.withResolvers<void>());
    reply = (one) => [answers(one, "192.0.2.7")];
    let isHeld = true;
    const late = askUdp("www.example.com").then((all) => {
      isHeld = false;
      return all;
    });
    assert.deepEqual(await askUdp("other.example.com"), ["192.0.2.7"]);
    assert.ok(isHeld);
    release();
    assert.deepEqual(await late, ["192.0.2.7"]);
  });

  test("an answer with another id or to another question is nobody's", async () => {
    reply = (one) => [
      answers({ ...one, id: ((one.id ?? 0) + 1) & 0xffff }, "198.51.100.1"),
      answers({ ...one, questions: [{ name: "evil.example.com", type: "A" }] }, "198.51.100.2"),
      Buffer.from("nothing at all"),
      answers(one, "192.0.2.9"),
    ];
    assert.deepEqual(await askUdp("www.example.com"), ["192.0.2.9"]);
    assert.deepEqual([...(heard.at(0)?.addresses.keys() ?? [])], ["192.0.2.9"]);
  });

  test("what cannot be read passes, and teaches nothing", async () => {
    reply = (one) => {
      const whole = dns.encode(answers(one, "192.0.2.1"));
      // One record more than there is.
      whole.writeUInt16BE(2, 6);
      return [whole];
    };
    const socket = createSocket("udp4");
    socket.send(query("www.example.com"), at.port, "127.0.0.1");
    const [message] = await once(socket, "message");
    socket.close();
    assert.equal(message.readUInt16BE(6), 2);
    assert.equal(heard.length, 0);
  });

  test("noise gets no answer and harms nobody", async () => {
    reply = (one) => [answers(one, "192.0.2.1")];
    const before = asked;
    const socket = createSocket("udp4");
    for (const noise of [Buffer.alloc(0), Buffer.from([1, 2, 3]), Buffer.alloc(12), Buffer.alloc(600, 0xff)])
      socket.send(noise, at.port, "127.0.0.1");
    assert.deepEqual(await askUdp("www.example.com"), ["192.0.2.1"]);
    assert.equal(asked, before + 1);
    socket.close();
  });
});

test("a server to which there is no route is passed over", async () => {
  const server = createSocket("udp4");
  server.on("message", (message, { port, address }) => {
    const { id = 0, questions = [] } = dns.decode(message);
    server.send(dns.encode({ type: "response", id, questions }), port, address);
  });
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const broadcast = parseIp("255.255.255.255") ?? assert.fail();
  const upstreams = new Upstreams([
    { ip: broadcast, port: 53 },
    { ip, port: server.address().port },
  ]);
  const question = dns.encode({ type: "query", id: 7, questions: [{ name: "a.example.com", type: "A" }] });
  const answer = await upstreams.ask(question, "udp", AbortSignal.timeout(10_000));
  assert.equal(answer && dns.decode(answer).id, 7);
  server.close();
});

test("updates, notifications and zone transfers are no questions", () => {
  const plain = dns.encode({ type: "query", id: 7, questions: [{ name: "a.example.com", type: "A" }] });
  const isAsked = (message: Buffer): boolean => isQuery(message, questionOf(message) ?? assert.fail());
  assert.ok(isAsked(plain));
  for (const opcode of [4, 5]) {
    const other = Buffer.from(plain);
    other[2] = opcode << 3;
    assert.ok(!isAsked(other));
  }
  assert.ok(
    !isAsked(dns.encode({ type: "query", id: 7, questions: [{ name: "example.com", type: "AXFR" }] })),
  );
});

test("a server that is gone is passed over, and the one that answers is asked first from then on", async () => {
  const [gone, there] = [await freePort(), await freePort()];
  const counts = { tcp: 0 };
  const server = createServer((client) => {
    counts.tcp++;
    const frames = new Frames();
    client.on("data", (part) => {
      for (const message of frames.take(part)) {
        const { id = 0, questions = [] } = dns.decode(message);
        client.write(framed(dns.encode({ type: "response", id, questions })));
      }
    });
  });
  server.listen(there, "127.0.0.1");
  await once(server, "listening");
  const upstreams = new Upstreams([
    { ip, port: gone },
    { ip, port: there },
  ]);
  const question = dns.encode({ type: "query", id: 7, questions: [{ name: "a.example.com", type: "A" }] });
  for (const nth of [1, 2]) {
    const answer = await upstreams.ask(question, "tcp", AbortSignal.timeout(10_000));
    assert.equal(answer && dns.decode(answer).id, 7);
    assert.equal(counts.tcp, nth);
  }
  server.close();
  await once(server, "close");
  assert.equal(await upstreams.ask(question, "tcp", AbortSignal.timeout(10_000)), undefined);
});
