// Single datagrams between network namespaces, to see which ones arrive: the last one says "end", so that a test waits for an
// arrival and not for a time.

import { spawnSync } from "node:child_process";

export interface Datagram {
  /** Where it is sent from. */
  readonly netns: string;
  readonly to: string;
  readonly port?: number;
  readonly payload: Buffer | string;
}

const port = 7778;

const receive = `
  my ($at, @send) = @ARGV;
  my $socket = IO::Socket::IP->new(LocalAddr => $at, LocalPort => ${port}, Proto => "udp") or die $@;
  system("sh", "-c", $_) for @send;
  alarm 10;
  while ($socket->recv(my $datagram, 2000)) {
    last if $datagram eq "end";
    print $datagram, " from ", $socket->peerhost, "\\n";
  }`;

const send = `
  my ($to, $port, $payload) = @ARGV;
  my $socket = IO::Socket::IP->new(PeerAddr => $to, PeerPort => $port, Proto => "udp") or die $@;
  $socket->send(pack("H*", $payload)) or die $!;`;

/** What arrives in `netns` at `at` when these are sent one after the other; the last must say "end" and arrive. */
export function arrivals(netns: string, at: string, datagrams: readonly Datagram[]): readonly string[] {
  const sending = datagrams.map(({ netns: from, to, port: other = port, payload }) =>
    quoted([
      "ip",
      "netns",
      "exec",
      from,
      ...perl(send, to, String(other), Buffer.from(payload).toString("hex")),
    ]),
  );
  const argv = ["netns", "exec", netns, ...perl(receive, at, ...sending)];
  const { status, stdout, stderr } = spawnSync("ip", argv, { encoding: "utf8", timeout: 20_000 });
  if (status !== 0) throw new Error(`"end" did not arrive at ${at}: ${stderr}`);
  return stdout.split("\n").filter((line) => line !== "");
}

const perl = (script: string, ...args: readonly string[]): readonly string[] => [
  "perl",
  "-MIO::Socket::IP",
  "-e",
  script,
  "--",
  ...args,
];
const quoted = (argv: readonly string[]): string =>
  argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");

/** The payload of a Geneve packet between chassis (ovn-architecture(7), "Tunnel Encapsulations"), with an IPv4 datagram inside. */
export function genevePayload(
  keys: { readonly datapath: number; readonly port: number },
  inner: { readonly mac: string; readonly from: string; readonly to: string; readonly payload: string },
): Buffer {
  const data = Buffer.from(inner.payload);
  const header = Buffer.alloc(16);
  header.writeUInt8(2, 0);
  header.writeUInt16BE(0x6558, 2);
  header.writeUInt32BE(keys.datapath << 8, 4);
  header.writeUInt16BE(0x0102, 8);
  header.writeUInt8(0x80, 10);
  header.writeUInt8(1, 11);
  header.writeUInt32BE(keys.port, 12);
  const ethernet = Buffer.from(`${inner.mac.replaceAll(":", "")}0a58000000010800`, "hex");
  const ip = Buffer.alloc(20);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(28 + data.length, 2);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(17, 9);
  for (const [offset, address] of [
    [12, inner.from],
    [16, inner.to],
  ] as const)
    ip.set(address.split(".").map(Number), offset);
  ip.writeUInt16BE(checksum(ip), 10);
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(port, 0);
  udp.writeUInt16BE(port, 2);
  udp.writeUInt16BE(8 + data.length, 4);
  return Buffer.concat([header, ethernet, ip, udp, data]);
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
