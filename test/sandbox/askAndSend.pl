#!/usr/bin/perl
# What a client does that is given a name: it asks for the name's address, and sends its first packet there at once. It is
# a datagram, which nobody sends again.
#
# perl askAndSend.pl SERVER SERVER-PORT NAME A|AAAA PORT
#
# Prints the address and whether an answer came back, "open" or "closed"; "no answer" when the name has no address.
use strict;
use warnings;
use IO::Socket::IP;
use Socket qw(AF_INET AF_INET6 inet_ntop);

my ($server, $dns, $name, $type, $port) = @ARGV;
my %number = (A => 1, AAAA => 28);
my $query = pack('n6', int rand 65536, 0x0100, 1, 0, 0, 0)
    . join('', map { pack('C/a*', $_) } split /\./, $name) . pack('Cnn', 0, $number{$type}, 1);
my $asker = IO::Socket::IP->new(Proto => 'udp', PeerHost => $server, PeerPort => $dns) or die "udp: $@\n";
syswrite $asker, $query;
my $answer;
my $ready = '';
vec($ready, fileno $asker, 1) = 1;
select($ready, undef, undef, 6) and sysread $asker, $answer, 4096;
my $bytes = $type eq 'A' ? 4 : 16;
if (!defined $answer || unpack('x6 n', $answer) == 0) { print "no answer\n"; exit }
my $address = inet_ntop($type eq 'A' ? AF_INET : AF_INET6, substr $answer, -$bytes);
my $client = IO::Socket::IP->new(Proto => 'udp', PeerHost => $address, PeerPort => $port) or die "udp: $@\n";
syswrite $client, "hostname\n";
my $open = '';
vec($open, fileno $client, 1) = 1;
my $came = select($open, undef, undef, 3) && sysread $client, $answer, 4096;
print "$address ", ($came ? 'open' : 'closed'), "\n";
