// The DNS server that a cluster's names from outside come from: it answers what a file says now, `{"a.example.test A":
// {"ttl": 60, "data": ["192.0.2.1"]}}`. A name that is not there does not exist.
//
// node test/sandbox/zoneServer.ts ADDRESS PORT FILE

import { readFileSync } from "node:fs";
import * as dns from "dns-packet";
import { serveDns } from "../../sandbox/dns/server.ts";

type Zone = Readonly<Record<string, { readonly ttl: number; readonly data: readonly string[] }>>;

const [address = "", port = "", file = ""] = process.argv.slice(2);
const nameError = 3;

function answer(message: Buffer): Buffer {
  const { id, questions = [] } = dns.decode(message);
  const zone: Zone = JSON.parse(readFileSync(file, "utf8"));
  const [question] = questions;
  const found = question && zone[`${question.name.toLowerCase()} ${question.type}`];
  const answers = (found?.data ?? []).map((data): dns.Answer => {
    const type = question?.type === "AAAA" ? "AAAA" : "A";
    return { type, name: question?.name ?? "", ttl: found?.ttl ?? 0, data };
  });
  return dns.encode({ type: "response", id, flags: found ? 0 : nameError, questions, answers });
}

await serveDns([address], Number(port), answer, new AbortController().signal);
process.stdout.write("ready\n");
