import assert from "node:assert/strict";
import { test } from "node:test";
import { type HostPort, sharesOf } from "./hostPort.ts";
import { parseIp } from "./ip.ts";
import { hostPortLimit } from "./limits.ts";

const aPort = (hostIp?: string, change: Partial<HostPort> = {}): HostPort => {
  const ip = hostIp === undefined ? undefined : (parseIp(hostIp) ?? assert.fail(hostIp));
  return { protocol: "TCP", hostPort: 8080, port: 80, ...(ip && { hostIp: ip }), ...change };
};
const noNodePorts = (): undefined => undefined;
const aPod = (name: string, ...hostPorts: readonly HostPort[]) => ({
  namespace: "shop",
  name,
  podIps: [] as readonly string[],
  hostPorts,
});

const pairs: readonly (readonly [string | undefined, string | undefined, boolean])[] = [
  [undefined, undefined, true],
  [undefined, "172.30.0.11", true],
  ["fd00::1", undefined, true],
  ["0.0.0.0", "172.30.0.11", true],
  ["172.30.0.11", "0.0.0.0", true],
  ["0.0.0.0", "::", false],
  ["::", "172.30.0.11", false],
  ["172.30.0.11", "127.0.0.1", false],
  ["172.30.0.11", "172.30.0.11", true],
];
for (const [one, other, meets] of pairs)
  test(`${one ?? "everywhere"} and ${other ?? "everywhere"}: ${meets ? "one port" : "two ports"}`, () => {
    const shares = sharesOf([aPod("b", aPort(other)), aPod("a", aPort(one))], noNodePorts);
    assert.equal(shares.get("shop/a")?.held.length, 1);
    assert.deepEqual(
      shares.get("shop/b")?.lost.map(({ to }) => to),
      meets ? ["pod shop/a"] : [],
    );
  });

test("a pod that runs keeps its port, whatever the name of another that is put on its node past the scheduler", () => {
  const running = { ...aPod("web", aPort()), podIps: ["10.244.0.3"] };
  const shares = sharesOf([aPod("a-thief", aPort()), running], noNodePorts);
  assert.deepEqual(shares.get("shop/web")?.held, [aPort()]);
  assert.equal(shares.get("shop/a-thief")?.lost[0]?.to, "pod shop/web");
});

test("who has lost a port takes it from nobody", () => {
  const shares = sharesOf(
    [aPod("a", aPort("172.30.0.11")), aPod("b", aPort()), aPod("c", aPort("172.30.0.12"))],
    noNodePorts,
  );
  assert.deepEqual(
    [...shares].map(([name, { held }]) => [name, held.length]),
    [
      ["shop/a", 1],
      ["shop/b", 0],
      ["shop/c", 1],
    ],
  );
});

test("one number may be different pods' for each protocol, and a node port is its Service's", () => {
  const shares = sharesOf([aPod("a", aPort(), aPort(undefined, { protocol: "UDP" }))], (protocol, port) =>
    protocol === "TCP" && port === 8080 ? "Service shop/web" : undefined,
  );
  assert.deepEqual(shares.get("shop/a"), {
    held: [aPort(undefined, { protocol: "UDP" })],
    lost: [{ port: aPort(), to: "Service shop/web" }],
  });
});

test("a pod has no more than so many", () => {
  const many = Array.from({ length: hostPortLimit + 1 }, (_, at) => aPort(undefined, { hostPort: at + 1 }));
  assert.equal(sharesOf([aPod("a", ...many)], noNodePorts).get("shop/a")?.held.length, hostPortLimit);
});
