import assert from "node:assert/strict";
import { test } from "node:test";
import { layoutOf } from "../layout.ts";
import { settingsOf } from "../settings.ts";
import { matrix } from "./matrix.ts";
import { type Path, type Place, pathsBetween } from "./paths.ts";
import { otherPlaces } from "./places.ts";

const echo = [{ way: "tcp", port: 8080 } as const];
const pod = (name: string, ...addresses: string[]): Place => ({ name, sort: "pod", addresses, ports: echo });
const node: Place = { name: "n1", sort: "node", addresses: ["172.30.0.11"], ports: [] };
const service: Place = { name: "svc", sort: "service", addresses: ["10.96.0.9"], ports: echo };
const outside: Place = { name: "outside", sort: "outside", addresses: ["172.30.0.100"], ports: [] };

const ways = (paths: readonly Path[], from: string, to: string): string[] =>
  paths.filter((path) => path.from.name === from && path.to.name === to).map((path) => path.way);

test("pods are checked by ping and TCP in each family, Services by their ports, nodes and outside by ping", () => {
  const paths = pathsBetween([
    pod("a", "10.0.0.1", "fd00::1"),
    pod("b", "10.0.0.2", "fd00::2"),
    service,
    node,
    outside,
  ]);
  assert.deepEqual(ways(paths, "a", "b"), ["icmp", "tcp", "icmp", "tcp"]);
  assert.deepEqual(ways(paths, "a", "svc"), ["tcp"]);
  assert.deepEqual(ways(paths, "a", "n1"), ["icmp"]);
  assert.deepEqual(ways(paths, "a", "outside"), ["icmp"]);
  assert.deepEqual(ways(paths, "n1", "a"), ["icmp", "tcp", "icmp", "tcp"]);
  assert.deepEqual(ways(paths, "n1", "outside"), []);
  assert.deepEqual(ways(paths, "outside", "a"), []);
  assert.deepEqual(ways(paths, "a", "a"), []);
  assert.equal(new Set(paths.map((path) => path.id)).size, paths.length);
});

test("a machine of the tenant is reached by ping and its ports from pods alone, and reaches pods and Services", () => {
  const vm: Place = {
    name: "vm",
    sort: "machine",
    addresses: ["172.31.0.100", "fd00:172:31::100"],
    ports: echo,
  };
  const paths = pathsBetween([pod("a", "10.0.0.1"), service, node, vm]);
  assert.deepEqual(ways(paths, "a", "vm"), ["icmp", "tcp", "icmp", "tcp"]);
  assert.deepEqual(ways(paths, "vm", "a"), ["icmp", "tcp"]);
  assert.deepEqual(ways(paths, "vm", "svc"), ["tcp"]);
  assert.deepEqual(ways(paths, "vm", "n1"), []);
  assert.deepEqual(ways(paths, "n1", "vm"), []);
});

test("beside the cluster there is the outside in overlay mode, a VM and a physical machine in underlay mode", () => {
  const others = (mode: "overlay" | "underlay") => otherPlaces(layoutOf(settingsOf({ mode }, 0), "/run/x"));
  assert.deepEqual(
    others("overlay").map(({ sort, addresses }) => [sort, addresses]),
    [["outside", ["172.30.0.100", "fd00:172:30::100"]]],
  );
  assert.deepEqual(
    others("underlay").map(({ name, sort, addresses }) => [name, sort, addresses]),
    [
      ["vm", "machine", ["172.31.0.100", "fd00:172:31::100"]],
      ["machine", "machine", ["172.32.0.100", "fd00:172:32::100"]],
    ],
  );
});

test("the matrix marks a broken path with a sign and an explanation", () => {
  const places = [pod("a", "10.0.0.1"), pod("b", "10.0.0.2")];
  const checked = pathsBetween(places).map((path) => ({
    path,
    result: { ok: path.from.name === "a" || path.way === "icmp", milliseconds: 1, words: "no answer in 5 s" },
  }));
  assert.equal(
    matrix(places, checked),
    [
      "from \\ to  a      b",
      "a          ·      2/2",
      "b          1/2 !  ·",
      "failed: b to a, tcp 10.0.0.1 port 8080: no answer in 5 s",
    ].join("\n"),
  );
});
