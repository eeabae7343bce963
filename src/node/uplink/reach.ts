// What a node must still reach after its uplink was moved: whatever it reached before. Gateways are pinged; the API server
// and others that an operator names are connected to.

import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { CommandError, type Run } from "../host/run.ts";
import type { Stand } from "./stand.ts";

export type Target =
  | { readonly is: "gateway"; readonly address: string; readonly family: "-4" | "-6" }
  | { readonly is: "server"; readonly host: string; readonly port: number };

export const nameOf = (target: Target): string =>
  target.is === "gateway" ? `gateway ${target.address}` : `${target.host}:${target.port}`;

/** Once for each gateway of a default route; link-local ones need the interface, which moves, and are left out. */
export function gatewaysOf({ routes }: Stand): readonly Target[] {
  const hops = routes
    .filter(({ dst }) => dst === "default")
    .flatMap((route) => [route, ...route.nexthops].map(({ gateway }) => ({ gateway, family: route.family })));
  const found = hops.flatMap(({ gateway, family }) =>
    gateway === undefined || gateway.startsWith("fe80:")
      ? []
      : [{ is: "gateway" as const, address: gateway, family }],
  );
  return [...new Map(found.map((target) => [target.address, target])).values()];
}

const patienceMs = 1000;

async function isReached(run: Run, target: Target): Promise<boolean> {
  if (target.is === "server") return connects(target.host, target.port);
  try {
    await run(["ping", target.family, "-n", "-q", "-c", "1", "-W", "1", target.address]);
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}

const connects = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (reached: boolean): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.setTimeout(patienceMs, () => settle(false));
    socket.on("connect", () => settle(true));
    socket.on("error", () => settle(false));
  });

export async function reached(run: Run, targets: readonly Target[]): Promise<readonly Target[]> {
  const answers = await Promise.all(targets.map((target) => isReached(run, target)));
  return targets.filter((_, index) => answers[index]);
}

/** Those of `targets` that are not reached, not even by the time `limitMs` is over. */
export async function unreached(
  run: Run,
  targets: readonly Target[],
  limitMs: number,
): Promise<readonly Target[]> {
  const deadline = performance.now() + limitMs;
  let missing = targets;
  for (;;) {
    const there = new Set(await reached(run, missing));
    missing = missing.filter((target) => !there.has(target));
    if (missing.length === 0 || performance.now() > deadline) return missing;
    await pause(200);
  }
}
