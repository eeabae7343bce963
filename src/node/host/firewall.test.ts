import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr, parseIp } from "../../model/ip.ts";
import { firewall } from "./firewall.ts";

const ip = (text: string) => parseIp(text) ?? assert.fail(text);

test("the table is replaced whole: two translations per family, and no way through the node but into Services", () => {
  const addresses = [
    { management: ip("10.244.0.2"), host: ip("172.30.0.11") },
    { management: ip("fd00:10:244::2"), host: ip("fd00:172:30::11") },
  ];
  const services = ["10.96.0.0/16", "fd00:10:96::/112"].flatMap((text) => parseCidr(text) ?? []);
  assert.equal(
    firewall("weft0", addresses, services),
    `table inet weft
delete table inet weft
table inet weft {
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "weft0" ip daddr 10.244.0.2 dnat ip to 172.30.0.11
    iifname "weft0" ip6 daddr fd00:10:244::2 dnat ip6 to fd00:172:30::11
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "weft0" ip saddr != 10.244.0.2 snat ip to 10.244.0.2
    oifname "weft0" ip6 saddr != fd00:10:244::2 snat ip6 to fd00:10:244::2
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "weft0" oifname "weft0" ct status dnat ip daddr 10.96.0.0/16 accept
    iifname "weft0" oifname "weft0" ct status dnat ip6 daddr fd00:10:96::/112 accept
    iifname "weft0" ct state != { established, related } drop
    iifname "weft0" ct direction original drop
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname "weft0" ip daddr 127.0.0.0/8 ct state != { established, related } drop
    iifname "weft0" ip daddr 127.0.0.0/8 ct direction original drop
    iifname "weft0" icmp type destination-unreachable icmp code frag-needed drop
    iifname "weft0" icmpv6 type packet-too-big drop
  }
  chain output {
    type filter hook output priority filter; policy accept;
    oifname "weft0" icmp type redirect drop
    oifname "weft0" icmpv6 type nd-redirect drop
  }
}
`,
  );
});
