// Restarts what dies in a sandbox, and reports it: in the log of the process, in its own log, and through `weft sandbox
// status`. What a command or a test has stopped or killed through the supervisor stays as it is.
//
//     main.ts DIRECTORY     the supervisor's directory

import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Supervisor } from "../process/supervisor.ts";
import { deathsWith, delayAfter, dutyTo, mostDeaths, recentMs } from "./duty.ts";

const lookMs = 500;

async function keep(supervisor: Supervisor, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const name of supervisor.names())
      await tend(supervisor, name).catch((error: unknown) => console.log(`${name}: ${String(error)}`));
    await delay(lookMs, undefined, { signal }).catch(() => undefined);
  }
}

async function tend(supervisor: Supervisor, name: string): Promise<void> {
  const { record, isAlive } = supervisor.look(name);
  const nowMs = Date.now();
  switch (dutyTo(record, isAlive, nowMs)) {
    case "nothing":
      return;
    case "note": {
      const deaths = deathsWith(record, nowMs);
      supervisor.note(record, { deaths, noted: true });
      return say(supervisor, name, `pid ${record.pid} has died; ${whatNext(deaths.length)}`);
    }
    case "start":
      await supervisor.revive(name);
      return say(supervisor, name, `started again as pid ${supervisor.record(name).pid}`);
  }
}

const whatNext = (deaths: number): string =>
  deaths < mostDeaths
    ? `it is started again in ${delayAfter(deaths) / 1000} s`
    : `it died ${deaths} times in ${recentMs / 60_000} minutes and is not started again; fix the cause, then run: weft sandbox up`;

function say(supervisor: Supervisor, name: string, words: string): void {
  const line = `${new Date().toISOString()} weft sandbox: ${name}: ${words}\n`;
  process.stdout.write(line);
  appendFileSync(supervisor.logFile(name), line);
}

const stopping = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopping.abort());
await keep(new Supervisor(process.argv[2] ?? ""), stopping.signal);
