// Probes, run from the node's network namespace as a kubelet does: TCP connect, HTTP GET (2xx and 3xx count as success;
// redirects are not followed, certificates not checked) and a command inside the container.

import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Container, Handler, Probe } from "../client/objects.ts";

export interface ProbeTarget {
  readonly container: Container;
  /** The pod's first address, or the node's for hostNetwork. */
  readonly address: string;
  /** Runs a command inside the container. False means that it failed or took too long. */
  readonly execute: (command: readonly string[], timeoutMs: number) => Promise<boolean>;
}

/**
 * Probes for ever, and reports each time a threshold is passed: true after successThreshold successes in a row, false
 * after failureThreshold failures, and false again for every further failure.
 */
export async function probeLoop(
  probe: Probe,
  target: ProbeTarget,
  signal: AbortSignal,
  report: (good: boolean) => void,
): Promise<void> {
  const periodMs = (probe.periodSeconds ?? 10) * 1000;
  if (probe.initialDelaySeconds) await pause(probe.initialDelaySeconds * 1000, signal);
  let row = 0;
  let last: boolean | undefined;
  while (!signal.aborted) {
    const started = performance.now();
    const good = await probeOnce(probe, target, (probe.timeoutSeconds ?? 1) * 1000);
    if (signal.aborted) return;
    row = good === last ? row + 1 : 1;
    last = good;
    if (row >= (good ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3))) report(good);
    await pause(Math.max(0, periodMs - (performance.now() - started)), signal);
  }
}

/** Never rejects: an unreachable target is a failure. */
export async function probeOnce(handler: Handler, target: ProbeTarget, timeoutMs: number): Promise<boolean> {
  if (handler.exec) return target.execute(handler.exec.command ?? [], timeoutMs);
  if (handler.tcpSocket) {
    const port = portNumber(handler.tcpSocket.port, target.container);
    if (!Number.isInteger(port)) return false; // a name that no port of the container has
    return canConnect(handler.tcpSocket.host ?? target.address, port, timeoutMs);
  }
  if (handler.httpGet) return httpAnswers(handler.httpGet, target, timeoutMs);
  return false;
}

function canConnect(host: string, port: number, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port, timeout: timeoutMs });
  const end = (good: boolean) => () => {
    socket.destroy();
    resolve(good);
  };
  socket.once("connect", end(true)).once("timeout", end(false)).once("error", end(false));
  return promise;
}

function httpAnswers(
  get: NonNullable<Handler["httpGet"]>,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<boolean> {
  const port = portNumber(get.port, target.container);
  if (!Number.isInteger(port)) return Promise.resolve(false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const options = {
    host: get.host ?? target.address,
    port,
    path: get.path ?? "/",
    headers: {
      "User-Agent": "kube-probe/1.32",
      ...Object.fromEntries((get.httpHeaders ?? []).map(({ name, value }) => [name, value])),
    },
    agent: false as const, // a connection of its own each time, as a kubelet does
    signal: AbortSignal.timeout(timeoutMs),
  };
  const request =
    get.scheme === "HTTPS" ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
  request.once("response", (response) => {
    const status = response.statusCode ?? 0;
    response.destroy();
    resolve(status >= 200 && status < 400);
  });
  request.on("error", () => resolve(false));
  request.end();
  return promise;
}

function portNumber(port: number | string, container: Container): number {
  if (typeof port === "number") return port;
  return (container.ports ?? []).find(({ name }) => name === port)?.containerPort ?? Number(port);
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal, ref: false }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
