#!/usr/bin/perl
# What a pod without a command runs: a TCP, UDP and HTTP server on each port named in ECHO_PORTS, on IPv4 and IPv6.
# An answer names the server and the client: "<pod> <node> <client address> <client port>", and then what the client sent.
# It is Perl because a hundred of these run at once: perl-base is on every Debian, one process takes about 6 MB and 5 ms
# to start, where Node takes 45 MB and 40 ms.
use strict;
use warnings;
use Socket qw(:DEFAULT IPPROTO_IPV6 IPV6_V6ONLY SOMAXCONN inet_ntop unpack_sockaddr_in6 pack_sockaddr_in6);

my $pod   = $ENV{ECHO_POD}  // 'unknown';
my $node  = $ENV{ECHO_NODE} // 'unknown';
my @ports = split /,/, $ENV{ECHO_PORTS} // '8080';
my $limit = 65536;    # of bytes that a client may send without ending a line

$SIG{TERM} = $SIG{INT} = sub { exit 0 };
$SIG{PIPE} = 'IGNORE';

my (%listener, %datagram, %client);    # file number -> socket, or -> { socket, from, input, output, done }

sub open_port {
    my ($type, $port) = @_;
    socket(my $socket, AF_INET6, $type, 0) or die "socket: $!\n";
    setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, pack('i', 0));
    setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, pack('i', 1));
    bind($socket, pack_sockaddr_in6($port, Socket::IN6ADDR_ANY)) or die "bind port $port: $!\n";
    if ($type == SOCK_STREAM) { listen($socket, SOMAXCONN) or die "listen on port $port: $!\n" }
    return $socket;
}

# One dual-stack socket sees IPv4 clients as ::ffff:a.b.c.d; they are told their own address.
sub identity {
    my ($port, $address) = unpack_sockaddr_in6($_[0]);
    (my $text = inet_ntop(AF_INET6, $address)) =~ s/^::ffff:(?=\d+\.)//;
    return ($text, $port);
}

sub http_answer {
    my ($request, $from, $port) = @_;
    my ($method, $path) = $request =~ m{^(\S+) ([^\s?]*)};
    my %page = (
        '/hostname' => $pod,
        '/clientip' => $from =~ /:/ ? "[$from]:$port" : "$from:$port",
        '/healthz'  => 'ok',
    );
    my $body = ($page{$path} // "$pod $node $from $port $path") . "\n";
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " . length($body);
    return "$head\r\n\r\n" . ($method eq 'HEAD' ? '' : $body);
}

# Moves complete requests from a client's input to its output: HTTP ends the connection, a plain line does not.
sub answer {
    my ($c) = @_;
    if ($c->{input} =~ m{^(?:GET|HEAD) \S+ HTTP/1}) {
        return unless $c->{input} =~ /\r?\n\r?\n/ or $c->{done};
        $c->{output} .= http_answer($c->{input}, @{ $c->{from} });
        @$c{qw(input done said)} = ('', 1, 1);
        return;
    }
    while ($c->{input} =~ s/^([^\n]*)\n//) { $c->{output} .= "$pod $node @{ $c->{from} } $1\n"; $c->{said} = 1 }
    if ($c->{done} and (length $c->{input} or not $c->{said})) {
        $c->{output} .= join(' ', $pod, $node, @{ $c->{from} }, length $c->{input} ? $c->{input} : ()) . "\n";
        @$c{qw(input said)} = ('', 1);
    }
    $c->{done} = 1 if length $c->{input} > $limit;
}

sub accept_client {
    my $peer = accept(my $socket, $_[0]) or return;
    $socket->blocking(0);
    $client{ fileno $socket } = { socket => $socket, from => [identity($peer)], input => '', output => '' };
}

sub answer_datagram {
    my ($socket) = @_;
    my $peer = recv($socket, my $data, 65535, 0) // return;
    my ($from, $port) = identity($peer);
    send($socket, $data eq "hostname\n" ? "$pod\n" : "$pod $node $from $port $data", 0, $peer);
}

sub serve_client {
    my ($number, $readable, $writable) = @_;
    my $c = $client{$number};
    if ($readable) {
        my $count = sysread($c->{socket}, $c->{input}, 16384, length $c->{input});
        if (defined $count) { $c->{done} = 1 if $count == 0; answer($c) }
        elsif (not $!{EAGAIN}) { delete $client{$number}; return }
    }
    if (length $c->{output}) {
        my $count = syswrite($c->{socket}, $c->{output});
        if (defined $count) { substr($c->{output}, 0, $count) = '' }
        elsif (not $!{EAGAIN}) { delete $client{$number}; return }
    }
    delete $client{$number} if $c->{done} and not length $c->{output};
}

for my $port (@ports) {
    my ($tcp, $udp) = (open_port(SOCK_STREAM, $port), open_port(SOCK_DGRAM, $port));
    $listener{ fileno $tcp } = $tcp;
    $datagram{ fileno $udp } = $udp;
}
$| = 1;
print "$pod on $node answers on port @ports\n";

while (1) {
    my ($readers, $writers) = ('', '');
    vec($readers, $_, 1) = 1 for keys %listener, keys %datagram, grep { not $client{$_}{done} } keys %client;
    vec($writers, $_, 1) = 1 for grep { length $client{$_}{output} } keys %client;
    next if select($readers, $writers, undef, undef) < 0;
    for (keys %client) {
        my ($r, $w) = (vec($readers, $_, 1), vec($writers, $_, 1));
        serve_client($_, $r, $w) if $r or $w;
    }
    for (keys %listener) { accept_client($listener{$_}) if vec($readers, $_, 1) }
    for (keys %datagram) { answer_datagram($datagram{$_}) if vec($readers, $_, 1) }
}
