import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../../model/ip.ts";
import { firewall } from "./firewall.ts";

const ip = (text: string) => parseIp(text) ?? assert.fail(text);

test("the table is replaced whole, with two rules per family", () => {
  const addresses = [
    { management: ip("10.244.0.2"), host: ip("172.30.0.11") },
    { management: ip("fd00:10:244::2"), host: ip("fd00:172:30::11") },
  ];
  assert.equal(
    firewall("weft0", addresses),
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
    oifname "weft0" ip saddr 172.30.0.11 snat ip to 10.244.0.2
    oifname "weft0" ip6 saddr fd00:172:30::11 snat ip6 to fd00:10:244::2
  }
}
`,
  );
});
