# A stream that reveals every gap: `send PORT ADDRESS…` sends a number every 50 ms by TCP and by UDP to each address, `receive
# PORT` prints what arrives as `tcp4 17 1732323123.456` and each connection as `connected tcp4`. A sender ends when its
# connection breaks, so a second `connected` for one way reveals that.
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use Socket qw(SOCK_STREAM SOCK_DGRAM inet_ntop unpack_sockaddr_in6 AF_INET6);
use Time::HiRes qw(sleep time);

$| = 1;
$SIG{PIPE} = 'IGNORE';
my ( $role, $port, @addresses ) = @ARGV;
$role eq 'send' ? send_numbers() : receive_numbers();

sub send_numbers {
    my @sockets = map {
        my $address = $_;
        map { IO::Socket::IP->new( PeerHost => $address, PeerPort => $port, Type => $_ ) or die "$address: $@\n" }
            SOCK_STREAM, SOCK_DGRAM
    } @addresses;
    $_->blocking(0) for @sockets;
    my $start = time;
    for ( my $number = 1 ; ; $number++ ) {
        for my $socket (@sockets) {
            next if defined syswrite $socket, "$number\n";
            die "number $number: $!\n" if $socket->socktype == SOCK_STREAM;
        }
        my $wait = $start + $number * 0.05 - time;
        sleep $wait if $wait > 0;
    }
}

sub receive_numbers {
    my %common = ( LocalPort => $port, LocalHost => '::', V6Only => 0, ReuseAddr => 1 );
    my $listener = IO::Socket::IP->new( %common, Type => SOCK_STREAM, Listen => 8 ) or die "$@\n";
    my $datagrams = IO::Socket::IP->new( %common, Type => SOCK_DGRAM ) or die "$@\n";
    my $all = IO::Select->new( $listener, $datagrams );
    my %client;
    while ( my @ready = $all->can_read ) {
        for my $socket (@ready) {
            if ( $socket == $listener ) {
                my $client = $listener->accept or next;
                $all->add($client);
                $client{$client} = { way => 'tcp' . family( getpeername $client ), rest => '' };
                print "connected $client{$client}{way}\n";
            }
            elsif ( $socket == $datagrams ) {
                my $from = recv $datagrams, my $text, 64, 0;
                note( 'udp' . family($from), $text ) if $from;
            }
            elsif ( sysread $socket, $client{$socket}{rest}, 4096, length $client{$socket}{rest} ) {
                note( $client{$socket}{way}, $1 ) while $client{$socket}{rest} =~ s/^(\d+)\n//;
            }
            else { $all->remove($socket); close $socket }
        }
    }
}

# A dual-stack socket sees IPv4 as ::ffff:a.b.c.d.
sub family {
    my ( undef, $address ) = unpack_sockaddr_in6( $_[0] );
    return inet_ntop( AF_INET6, $address ) =~ /^::ffff:/ ? 4 : 6;
}

sub note {
    my ( $way, $number ) = @_;
    chomp $number;
    printf "%s %d %.3f\n", $way, $number, time;
}
