import assert from "node:assert/strict";
import { test } from "node:test";
import * as dns from "dns-packet";
import type { Endpoint, EndpointSlice, Service } from "../client/objects.ts";
import type { ClusterNames } from "./names.ts";
import { replyTo } from "./reply.ts";

const service = (name: string, spec: Service["spec"] & object): Service => ({
  metadata: { namespace: "shop", name },
  spec,
});
const services = [
  service("web", {
    clusterIP: "10.96.0.20",
    clusterIPs: ["10.96.0.20", "fd00::20"],
    ports: [
      { name: "http", port: 80 },
      { name: "dns", port: 53, protocol: "UDP" },
    ],
  }),
  service("db", { clusterIP: "None", clusterIPs: ["None"] }),
  service("big", { clusterIP: "None", clusterIPs: ["None"] }),
  service("alias", { type: "ExternalName", externalName: "web.shop.svc.cluster.local" }),
  service("away", { type: "ExternalName", externalName: "example.org" }),
];
const slice = (endpoints: readonly Endpoint[]): EndpointSlice => ({
  metadata: { name: "s" },
  addressType: "IPv4",
  ports: [{ name: "sql", protocol: "TCP", port: 5432 }],
  endpoints,
});
const slices: Readonly<Record<string, readonly EndpointSlice[]>> = {
  db: [
    slice([
      { addresses: ["10.0.0.5"], hostname: "db-0" },
      { addresses: ["10.0.0.6"] },
      { addresses: ["10.0.0.7"], conditions: { ready: false } },
    ]),
  ],
  big: [slice(Array.from({ length: 60 }, (_, index) => ({ addresses: [`10.0.1.${index}`] })))],
};
const names: ClusterNames = {
  hasNamespace: (name) => name === "shop",
  service: (namespace, name) =>
    namespace === "shop" ? services.find(({ metadata }) => metadata.name === name) : undefined,
  slices: (_, name) => slices[name] ?? [],
  servicesAt: (ip) => services.filter(({ spec }) => spec?.clusterIPs?.includes(ip) === true),
};

function ask(name: string, type: dns.RecordType, limited = true, packet: dns.Packet = {}): dns.DecodedPacket {
  const query = dns.encode({ type: "query", id: 7, questions: [{ name, type, class: "IN" }], ...packet });
  const reply = replyTo(query, names, limited);
  assert.ok(reply);
  return dns.decode(reply);
}
const rcodeOf = (packet: dns.DecodedPacket): number => (packet.flags ?? 0) & 0xf;
const printed = (answer: dns.Answer): string => {
  if (answer.type === "TXT")
    return [answer.data]
      .flat()
      .map((text) => text.toString())
      .join();
  return "data" in answer && typeof answer.data === "string" ? answer.data : "";
};
const told = (packet: dns.DecodedPacket): readonly string[] => [
  ...(rcodeOf(packet) === 0 ? [] : [`rcode ${rcodeOf(packet)}`]),
  ...(packet.answers ?? []).map((answer) =>
    answer.type === "SRV"
      ? `SRV ${answer.data.port} ${answer.data.target}`
      : `${answer.type} ${printed(answer)}`,
  ),
];

test("names of Services, endpoints, ports and pods have the records of the specification", () => {
  const cases: readonly (readonly [string, dns.RecordType, readonly string[]])[] = [
    ["web.shop.svc.cluster.local", "A", ["A 10.96.0.20"]],
    ["WEB.shop.svc.Cluster.Local", "AAAA", ["AAAA fd00::20"]],
    ["web.shop.svc.cluster.local", "MX", []],
    ["db.shop.svc.cluster.local", "A", ["A 10.0.0.5", "A 10.0.0.6"]],
    ["db-0.db.shop.svc.cluster.local", "A", ["A 10.0.0.5"]],
    ["10-0-0-6.db.shop.svc.cluster.local", "A", ["A 10.0.0.6"]],
    ["db-1.db.shop.svc.cluster.local", "A", ["rcode 3"]],
    ["db-0.web.shop.svc.cluster.local", "A", ["rcode 3"]],
    ["_http._tcp.web.shop.svc.cluster.local", "SRV", ["SRV 80 web.shop.svc.cluster.local"]],
    ["_dns._udp.web.shop.svc.cluster.local", "SRV", ["SRV 53 web.shop.svc.cluster.local"]],
    ["_dns._tcp.web.shop.svc.cluster.local", "SRV", ["rcode 3"]],
    ["_tcp.web.shop.svc.cluster.local", "SRV", []],
    [
      "_sql._tcp.db.shop.svc.cluster.local",
      "SRV",
      ["SRV 5432 db-0.db.shop.svc.cluster.local", "SRV 5432 10-0-0-6.db.shop.svc.cluster.local"],
    ],
    ["alias.shop.svc.cluster.local", "A", ["CNAME web.shop.svc.cluster.local", "A 10.96.0.20"]],
    ["away.shop.svc.cluster.local", "A", ["CNAME example.org"]],
    ["10-0-0-9.shop.pod.cluster.local", "A", ["A 10.0.0.9"]],
    ["fd00--9.shop.pod.cluster.local", "AAAA", ["AAAA fd00::9"]],
    ["nobody.shop.pod.cluster.local", "A", ["rcode 3"]],
    ["web.bank.svc.cluster.local", "A", ["rcode 3"]],
    ["none.shop.svc.cluster.local", "A", ["rcode 3"]],
    ["svc.cluster.local", "A", []],
    ["shop.svc.cluster.local", "A", []],
    ["dns-version.cluster.local", "TXT", ["TXT 1.1.0"]],
    ["20.0.96.10.in-addr.arpa", "PTR", ["PTR web.shop.svc.cluster.local"]],
    ["21.0.96.10.in-addr.arpa", "PTR", ["rcode 3"]],
    ["example.org", "A", ["rcode 5"]],
  ];
  for (const [name, type, wanted] of cases)
    assert.deepEqual(told(ask(name, type)), wanted, `${name} ${type}`);
});

test("an SRV record's target comes with its address, and a denial with the zone's authority", () => {
  const { additionals = [] } = ask("_http._tcp.web.shop.svc.cluster.local", "SRV");
  assert.deepEqual(
    additionals.map(({ type }) => type),
    ["A", "AAAA"],
  );
  const denied = ask("none.shop.svc.cluster.local", "A");
  assert.deepEqual(
    denied.authorities?.map(({ type }) => type),
    ["SOA"],
  );
  assert.ok(denied.flag_aa);
});

test("an answer too long for a datagram is cut, and is whole by TCP or with room enough", () => {
  const name = "big.shop.svc.cluster.local";
  const cut = ask(name, "A");
  assert.deepEqual([cut.flag_tc, cut.answers?.length], [true, 0]);
  assert.equal(ask(name, "A", false).answers?.length, 60);
  const room: dns.OptAnswer = {
    type: "OPT",
    name: ".",
    udpPayloadSize: 4096,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
  const large = ask(name, "A", true, { additionals: [room] });
  assert.deepEqual([large.flag_tc, large.additionals?.map(({ type }) => type)], [true, ["OPT"]]);
});

test("a malformed query gets a format error or nothing, and other operations are not implemented", () => {
  const question = [{ name: "web.shop.svc.cluster.local", type: "A", class: "IN" }] as const;
  const notify = dns.encode({ type: "query", id: 7, flags: 4 << 11, questions: [...question] });
  assert.equal((replyTo(notify, names, true) ?? Buffer.alloc(4)).readUInt8(3) & 0xf, 4);
  const whole = dns.encode({ type: "query", id: 7, questions: [...question] });
  const broken = replyTo(whole.subarray(0, 20), names, true);
  assert.equal((broken ?? Buffer.alloc(4)).readUInt8(3) & 0xf, 1);
  assert.equal(replyTo(Buffer.from("short"), names, true), undefined);
  assert.equal(replyTo(dns.encode({ type: "response", id: 7 }), names, true), undefined);
});
