// The answer to one DNS query (RFC 1035). This server is responsible for the cluster's zone and the reverse names of
// its Services. To everything else it answers REFUSED. Pure.

import * as dns from "dns-packet";
import { type ClusterNames, type DnsRecord, recordsAt, reverseRecords, zone } from "./names.ts";

const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;

/** RFC 6891: the size of a datagram when the client does not state one, and the most that this server sends. */
const bytes = { first: 512, most: 1232 } as const;
const opcodeMask = 0x7800;

/** The start of authority in a negative answer (RFC 2308), which states how long the answer is valid. */
const authority: dns.Answer = {
  type: "SOA",
  name: zone,
  ttl: 5,
  data: {
    mname: `ns.dns.${zone}`,
    rname: `hostmaster.${zone}`,
    serial: 1,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: 5,
  },
};

/** @param limited whether the answer must fit into one datagram: if it does not, it is cut and the client asks by TCP. */
export function replyTo(message: Buffer, names: ClusterNames, limited: boolean): Buffer | undefined {
  if (message.length < 12 || message.readUInt8(2) >= 0x80) return undefined; // not a query
  const query = decoded(message);
  if (!query) return dns.encode({ type: "response", id: message.readUInt16BE(0), flags: rcodes.FORMERR });
  const [question, ...others] = query.questions ?? [];
  const edns = (query.additionals ?? []).find(({ type }) => type === "OPT");
  const head = {
    type: "response",
    id: query.id,
    questions: query.questions,
    ...(edns && { additionals: [ownOpt] }),
  } as const;
  const asked = (query.flags ?? 0) & dns.RECURSION_DESIRED;
  const failure = (rcode: keyof typeof rcodes): Buffer =>
    dns.encode({ ...head, flags: asked | rcodes[rcode] });
  if (((query.flags ?? 0) & opcodeMask) !== 0) return failure("NOTIMP");
  if (!question || others.length > 0) return failure("FORMERR");
  const name = question.name.toLowerCase();
  const reverse = name.endsWith(".arpa");
  if (question.class !== "IN" || !(reverse || isBelow(name))) return failure("REFUSED");
  const records = reverse ? reverseRecords(name, names) : recordsAt(name, names);
  const answers = chosen(records ?? [], question, names);
  const flags = asked | dns.AUTHORITATIVE_ANSWER | (records ? rcodes.NOERROR : rcodes.NXDOMAIN);
  const authorities = answers.length === 0 ? [authority] : [];
  const whole = dns.encode({
    ...head,
    flags,
    answers,
    authorities,
    additionals: [...targets(answers, names), ...(edns ? [ownOpt] : [])],
  });
  const room =
    edns?.type === "OPT" ? Math.max(bytes.first, Math.min(edns.udpPayloadSize, bytes.most)) : bytes.first;
  if (!limited || whole.length <= room) return whole;
  return dns.encode({ ...head, flags: flags | dns.TRUNCATED_RESPONSE });
}

const ownOpt: dns.OptAnswer = {
  type: "OPT",
  name: ".",
  udpPayloadSize: bytes.most,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

const isBelow = (name: string): boolean => name === zone || name.endsWith(`.${zone}`);

/** The library throws all kinds of errors at a malformed message. */
function decoded(message: Buffer): dns.DecodedPacket | undefined {
  try {
    return dns.decode(message);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** The records of the requested type, under the name as it was written; an alias comes with its target's records. */
function chosen(
  records: readonly DnsRecord[],
  { type, name }: dns.Question,
  names: ClusterNames,
): DnsRecord[] {
  const fitting = records.filter((record) => record.type === type || record.type === "CNAME");
  const own = fitting.map((record) => ({ ...record, name }));
  const alias = fitting.find((record) => record.type === "CNAME");
  if (alias?.type !== "CNAME" || type === "CNAME" || !isBelow(alias.data)) return own;
  return [...own, ...(recordsAt(alias.data, names) ?? []).filter((record) => record.type === type)];
}

/** The addresses of the hosts that SRV records name. */
const targets = (answers: readonly DnsRecord[], names: ClusterNames): readonly DnsRecord[] =>
  answers.flatMap((record) => (record.type === "SRV" ? (recordsAt(record.data.target, names) ?? []) : []));
