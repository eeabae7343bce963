// Says falsely, as a router would, that a path takes only small packets: "fragmentation needed" (RFC 792), "packet too big"
// (RFC 4443).

import type { SandboxHost } from "../../sandbox/sandbox.ts";

/** Smaller than any link of a sandbox, and not less than what a kernel believes. */
export const forgedMtuBytes = 1_300;

/**
 * Perl, run by whoever lies. Arguments: the address that is told, that from which and that to which a packet was too big.
 * The packet that it quotes is an echo reply, of which a kernel remembers nothing, so that it has to believe.
 */
export const tellPacketTooBig = `use Socket qw(:all);
  my ($told, $from, $to) = @ARGV;
  my $sum = sub { my $s = 0; $s += $_ for unpack "n*", $_[0] . "\\0"; $s = ($s & 0xffff) + ($s >> 16) while $s >> 16; ~$s & 0xffff };
  my $six = $told =~ /:/;
  my $quoted = $six
    ? pack("NnCC", 0x60000000, 1400, 58, 64) . inet_pton(AF_INET6, $from) . inet_pton(AF_INET6, $to) . pack("CCnnn", 129, 0, 0, 1, 1)
    : pack("CCnnnCCn", 0x45, 0, 1400, 1, 0x4000, 64, 1, 0) . inet_aton($from) . inet_aton($to) . pack("CCnnn", 0, 0, 0xfffd, 1, 1);
  substr($quoted, 10, 2) = pack "n", $sum->(substr $quoted, 0, 20) unless $six;
  my $message = $six ? pack("CCnN", 2, 0, 0, ${forgedMtuBytes}) . $quoted : pack("CCnnn", 3, 4, 0, 0, ${forgedMtuBytes}) . $quoted;
  substr($message, 2, 2) = pack "n", $sum->($message) unless $six;
  socket(my $s, $six ? AF_INET6 : AF_INET, SOCK_RAW, $six ? 58 : 1) or die "socket: $!";
  my $peer = $six ? pack_sockaddr_in6(0, inet_pton(AF_INET6, $told)) : pack_sockaddr_in(0, inet_aton($told));
  for (1 .. 3) { send $s, $message, 0, $peer or die "send: $!"; select undef, undef, undef, 0.1 }`;

/** Whether the host believes it of the path to an address. */
export const believesPacketTooBig = async (host: SandboxHost, to: string): Promise<boolean> =>
  new RegExp(` mtu ${forgedMtuBytes}\\b`).test(await host.exec(["ip", "route", "get", to]));

export async function forgetPathMtus(host: SandboxHost): Promise<void> {
  await host.exec(["ip", "route", "flush", "cache"]);
  await host.exec(["ip", "-6", "route", "flush", "cache"]);
}
