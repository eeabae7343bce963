# Datagrams that policies forbid. `send PORT MS` sends one every MS milliseconds to each address of the last line of its input.
# `speak PORT WORD ADDRESS…` sends WORD to each address as fast as it can for a second, then ten times a second; `hear PORT`
# prints every word that arrives.
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use Socket qw(SOCK_DGRAM);
use Time::HiRes qw(sleep time);

$| = 1;
my ( $role, $port, @more ) = @ARGV;
{ send => \&send_to_all, speak => \&speak, hear => \&hear }->{$role}->(@more);

sub socket_to {
    my ($address) = @_;
    my $socket = IO::Socket::IP->new( PeerHost => $address, PeerPort => $port, Type => SOCK_DGRAM ) or die "$address: $@\n";
    $socket->blocking(0);
    return $socket;
}

# What cannot be sent was not sent: there is no route to an address that nobody has yet, or the last one was refused.
sub send_to_all {
    my ($intervalMs) = @_;
    my $input = IO::Select->new( \*STDIN );
    my ( $text, %socket ) = ('');
    while (1) {
        if ( $input->can_read(0) ) {
            return unless sysread STDIN, $text, 65536, length $text;
            if ( $text =~ s/.*?([^\n]*)\n//s ) { %socket = map { $_ => $socket{$_} // socket_to($_) } split ' ', $1 }
        }
        syswrite $_, 'x' for values %socket;
        sleep $intervalMs / 1000;
    }
}

sub speak {
    my ( $word, @addresses ) = @_;
    my @sockets = map { socket_to($_) } @addresses;
    my $start = time;
    while (1) {
        syswrite $_, "$word\n" for @sockets;
        sleep( time - $start < 1 ? 0.001 : 0.1 );
    }
}

sub hear {
    my $socket = IO::Socket::IP->new( LocalPort => $port, LocalHost => '::', V6Only => 0, Type => SOCK_DGRAM ) or die "$@\n";
    print "listens\n";
    print $_ while defined recv( $socket, $_, 64, 0 );
}
