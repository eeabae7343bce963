import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, PodSpec } from "../client/objects.ts";
import { hostsOf, resolvConfOf } from "./etc.ts";

const pod = (spec: Partial<PodSpec> = {}): Pod => ({
  metadata: { name: "web-1", namespace: "shop", uid: "u1" },
  spec: { containers: [], ...spec },
});
const place = { nodeName: "n1", hostIps: ["172.30.0.11"], podIps: ["10.0.0.5", "fd00::5"] };
const own = "# machine's\nnameserver 192.0.2.53\nsearch example.org\n";
const dns = ["10.96.0.10"];
const cluster = [
  "nameserver 10.96.0.10",
  "search shop.svc.cluster.local svc.cluster.local cluster.local",
  "options ndots:5",
  "",
].join("\n");
const machine = "nameserver 192.0.2.53\nsearch example.org\n";

test("a pod asks the cluster for names unless it lives in the host's network or says otherwise", () => {
  assert.equal(resolvConfOf(pod(), own, dns), cluster);
  assert.equal(resolvConfOf(pod({ hostNetwork: true }), own, dns), machine);
  assert.equal(
    resolvConfOf(pod({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" }), own, dns),
    cluster,
  );
  assert.equal(resolvConfOf(pod({ dnsPolicy: "Default" }), own, dns), machine);
  assert.equal(resolvConfOf(pod(), own, []), machine);
});

test("dnsConfig adds servers and domains, and an option of its own replaces one of that name", () => {
  const dnsConfig = {
    nameservers: ["192.0.2.1"],
    searches: ["my.dns"],
    options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
  };
  assert.equal(
    resolvConfOf(pod({ dnsConfig }), own, dns),
    [
      "nameserver 10.96.0.10",
      "nameserver 192.0.2.1",
      "search shop.svc.cluster.local svc.cluster.local cluster.local my.dns",
      "options ndots:2 edns0",
      "",
    ].join("\n"),
  );
  assert.equal(
    resolvConfOf(pod({ dnsPolicy: "None", dnsConfig }), own, dns),
    "nameserver 192.0.2.1\nsearch my.dns\noptions ndots:2 edns0\n",
  );
});

test("the hosts file knows the pod by its addresses, in its subdomain too, and its aliases", () => {
  const hostAliases = [{ ip: "192.0.2.1", hostnames: ["foo", "bar"] }];
  assert.deepEqual(
    hostsOf(pod({ hostAliases, subdomain: "web" }), place)
      .split("\n")
      .slice(2),
    [
      "10.0.0.5\tweb-1.web.shop.svc.cluster.local\tweb-1",
      "fd00::5\tweb-1.web.shop.svc.cluster.local\tweb-1",
      "192.0.2.1\tfoo\tbar",
      "",
    ],
  );
});
