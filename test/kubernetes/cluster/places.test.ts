import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { layoutOf } from "../../../sandbox/layout.ts";
import { settingsOf } from "../../../sandbox/settings.ts";
import { kubeletConfig } from "../node/kubeletConfig.ts";
import { certificatesOf } from "./pki.ts";
import { type Places, placesOf } from "./places.ts";

const placesWith = (families: readonly (4 | 6)[]): Places =>
  placesOf(
    layoutOf(settingsOf({ name: "k", nodes: 2, families, parts: "ovn", ovn: undefined }, 1234), "/run/x"),
  );

test("hosts reach the API server by the first node's address, of whichever family comes first", () => {
  assert.equal(placesWith([4, 6]).server, "https://172.30.0.11:6443");
  assert.equal(placesWith([6]).server, "https://[fd00:172:30::11]:6443");
});

test("the API server's certificate has its addresses of all families, and those of its Service", () => {
  const names = certificatesOf(placesWith([4, 6])).find(({ name }) => name === "apiserver")?.names ?? [];
  for (const name of ["127.0.0.1", "172.30.0.11", "fd00:172:30::11", "10.96.0.1", "fd00:10:96::1"])
    assert.ok(names.includes(name), name);
  assert.ok(names.includes("kubernetes.default.svc.cluster.local"));
});

test("a kubelet is its node's user, and no more (NodeRestriction reads its name)", () => {
  const subjects = certificatesOf(placesWith([4])).filter(({ name }) => name.startsWith("kubelet-n2"));
  assert.deepEqual(
    [...new Set(subjects.map(({ subject }) => subject))],
    ["/O=system:nodes/CN=system:node:n2"],
  );
});

test("no two kubelets share cgroups", () => {
  const places = placesWith([4, 6]);
  const roots = places.nodes.map((node) => parse(kubeletConfig(places, node)).cgroupRoot);
  assert.deepEqual(roots, ["/weft-k-n1", "/weft-k-n2"]);
});
