# Raw Ethernet frames that bypass the kernel's checks: `send INTERFACE` puts each line of hexadecimal digits that it
# reads on the wire; `hear INTERFACE` says `ready`, and then prints each frame that arrives. A VLAN tag that the kernel has
# already removed is not shown.
use strict;
use warnings;
use Socket qw(SOCK_RAW);
use constant { AF_PACKET => 17, ETH_P_ALL => 3, SIOCGIFINDEX => 0x8933, PACKET_OUTGOING => 4 };

$| = 1;
my ( $role, $interface ) = @ARGV;
socket my $wire, AF_PACKET, SOCK_RAW, unpack( 'n', pack 'S', ETH_P_ALL ) or die "socket: $!\n";
my $request = pack 'a16 x16', $interface;
ioctl $wire, SIOCGIFINDEX, $request or die "$interface: $!\n";
bind $wire, pack( 'S n i S C C a8', AF_PACKET, ETH_P_ALL, unpack( 'x16 i', $request ), 0, 0, 0, '' ) or die "bind: $!\n";

if ( $role eq 'send' ) {
    while ( my $line = <STDIN> ) {
        chomp $line;
        send $wire, pack( 'H*', $line ), 0 or die "send: $!\n";
    }
    exit 0;
}

print "ready\n";
while ( my $from = recv $wire, my $frame, 2048, 0 ) {
    print unpack( 'H*', $frame ), "\n" if ( unpack 'S n i S C', $from )[4] != PACKET_OUTGOING;
}
