# A datagram every millisecond, and when each arrives: `send PORT ADDRESS`, and `hear PORT`, which prints the time of day of
# every arrival in seconds.
use strict;
use warnings;
use IO::Socket::IP;
use Socket qw(SOCK_DGRAM);
use Time::HiRes qw(sleep time);

$| = 1;
my ( $role, $port, $address ) = @ARGV;
if ( $role eq 'send' ) {
    my $socket = IO::Socket::IP->new( PeerHost => $address, PeerPort => $port, Type => SOCK_DGRAM ) or die "$address: $@\n";
    while (1) {
        syswrite $socket, 'x';
        sleep 0.001;
    }
}
my $socket = IO::Socket::IP->new( LocalPort => $port, LocalHost => '0.0.0.0', Type => SOCK_DGRAM ) or die "$@\n";
printf "%.6f\n", time while defined recv( $socket, my $word, 64, 0 );
