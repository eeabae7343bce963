# Waits until all IPv4 addresses on stdin answer a ping: one raw socket, one packet every 20 ms to each that is still
# silent. Ends with status 0 when all have answered, or with 1 and the silent ones on stderr after the time in the first
# argument.
use strict;
use warnings;
use Socket qw(inet_aton inet_ntoa sockaddr_in unpack_sockaddr_in PF_INET SOCK_RAW);
use Time::HiRes qw(time);

my $deadline = time + shift @ARGV;
my %silent   = map { chomp; $_ => 1 } <STDIN>;
socket my $socket, PF_INET, SOCK_RAW, getprotobyname('icmp') // 1 or die "socket: $!";
my $identifier = 1 + int rand 65_535;
my $sequence   = 0;
vec( my $wanted = '', fileno $socket, 1 ) = 1;

while (%silent) {
    if ( time > $deadline ) { print STDERR join( ' ', sort keys %silent ), "\n"; exit 1 }
    $sequence = ( $sequence + 1 ) & 0xffff;
    send $socket, echo_request(), 0, sockaddr_in( 0, inet_aton($_) ) for keys %silent;
    my $until = time + 0.02;
    while ( ( my $left = $until - time ) > 0 ) {
        last unless select my $ready = $wanted, undef, undef, $left;
        my $from = recv $socket, my $packet, 1500, 0;
        my ( $type, $id ) = unpack 'x20 C x3 n', $packet;
        delete $silent{ inet_ntoa( ( unpack_sockaddr_in($from) )[1] ) } if $type == 0 && $id == $identifier;
    }
}

sub echo_request {
    my $sum = 0x0800 + $identifier + $sequence;
    $sum = ( $sum & 0xffff ) + ( $sum >> 16 ) while $sum >> 16;
    return pack 'CCnnn', 8, 0, ~$sum & 0xffff, $identifier, $sequence;
}
