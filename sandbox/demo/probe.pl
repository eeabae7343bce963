# Runs inside a pod or on a node: tries many paths at once and reports which work.
# In: lines `ID icmp|tcp|udp|connect ADDRESS PORT FROM`, with the client's own port or 0; `connect` asks for no answer after the handshake. Out: lines `ID ok|fail MILLISECONDS WORDS`, in any order.
# Its argument is how many seconds an answer is waited for.
# Perl, because every Debian has it, it starts in 10 ms, and it can fork, so that forty slow paths cost one time-out.
use strict;
use warnings;
use IO::Select;
use IO::Socket::IP;
use Socket qw(SOCK_STREAM SOCK_DGRAM);
use Time::HiRes qw(time);

my $limit_seconds = shift;
my $at_once       = 40;
my $running       = 0;
$| = 1;

while ( my $line = <STDIN> ) {
    chomp $line;
    my ( $id, $way, $address, $port, $from ) = split / /, $line;
    if ( $running >= $at_once ) { wait; $running-- }
    my $pid = fork // die "fork: $!";
    if ($pid) { $running++; next }
    try_path( $id, $way, $address, $port, $from );
    exit 0;
}
1 while wait != -1;

sub try_path {
    my ( $id, $way, $address, $port, $from ) = @_;
    my $start = time;
    my ( $ok, $words ) = eval {
        local $SIG{ALRM} = sub { die "no answer in $limit_seconds s\n" };
        alarm $limit_seconds;
        $way eq 'icmp' ? ping($address) : talk( $way, $address, $port, $from );
    };
    ( $ok, $words ) = ( 0, $@ ) if $@;
    $words =~ s{[^ -~]+}{ }g;
    printf "%s %s %.1f %s\n", $id, $ok ? 'ok' : 'fail', ( time - $start ) * 1000, $words;
}

sub ping {
    my ($address) = @_;

    # An identifier of its own: in a process namespace pids repeat from pod to pod, ping takes its pid, and Open vSwitch's
    # userspace connection tracking drops the second of two equal identifiers behind one translated address.
    my $identifier = 1 + int rand 65_535;

    # Repeated until an answer comes: the first packet to a new neighbour may be lost.
    my $out = qx(ping -n -c 1 -i 0.5 -e $identifier -w $limit_seconds $address 2>&1);
    return ( $? == 0, $? == 0 ? 'pong' : 'no pong' );
}

sub talk {
    my ( $way, $address, $port, $from ) = @_;
    my $socket = IO::Socket::IP->new(
        ( $from ? ( LocalPort => $from ) : () ),
        PeerHost => $address,
        PeerPort => $port,
        Type     => $way eq 'udp' ? SOCK_DGRAM : SOCK_STREAM,
        Timeout  => $limit_seconds,
    ) or return ( 0, "$@" );
    return ( 1, 'connected' ) if $way eq 'connect';
    my $got;
    my $answer;

    # Repeated until an answer comes: OVN keeps three packets for a neighbour that it does not know yet, and drops the
    # others. TCP repeats by itself.
    do {
        syswrite $socket, "hello\n" or return ( 0, "$!" );
    } while $way eq 'udp' and not IO::Select->new($socket)->can_read(0.5);
    $got = sysread $socket, $answer, 512;
    return ( 0, defined $got ? 'closed without an answer' : "$!" ) unless $got;
    return ( 1, $answer );
}
