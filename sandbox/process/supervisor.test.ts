import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { endProcesses } from "./end.ts";
import { isRunning, parseStat } from "./procfs.ts";
import type { ProcessSpec } from "./record.ts";
import { Supervisor } from "./supervisor.ts";

const limit = { timeout: 20_000 };

suite("the supervisor", () => {
  const directory = mkdtempSync(join(tmpdir(), "weft-supervisor-"));
  const supervisor = new Supervisor(directory);
  const shell = (name: string, script: string, more: Partial<ProcessSpec> = {}): ProcessSpec => ({
    name,
    argv: ["sh", "-c", script],
    env: { PATH: "/usr/bin:/bin" },
    ...more,
  });
  const pid = (name: string): number => supervisor.record(name).pid;

  after(async () => {
    await endProcesses(() => supervisor.alivePids(), 1_000);
    rmSync(directory, { recursive: true });
  });

  test("records what it starts, and starts it again in the same way", limit, async () => {
    await supervisor.launch(
      shell("again", 'echo "I am $NAME"; exec sleep 60', { env: { PATH: "/bin", NAME: "seven" } }),
    );
    const first = supervisor.record("again");
    await waitFor(() => supervisor.logTail("again") === "I am seven");
    await supervisor.restart("again");
    assert.notEqual(pid("again"), first.pid);
    assert.equal(isRunning(first.pid, first.startTime), false);
    await waitFor(() => supervisor.logTail("again") === "I am seven\nI am seven");
  });

  test("records which processes were ended on purpose, until they are started again", limit, async () => {
    const stopped = (): boolean | undefined => supervisor.record("ended").stopped;
    await supervisor.launch(shell("ended", "exec sleep 60"));
    for (const end of [() => supervisor.stop("ended"), () => supervisor.kill("ended", "SIGKILL")]) {
      await end();
      assert.equal(stopped(), true);
      await supervisor.start("ended");
      assert.equal(stopped(), undefined);
    }
    await supervisor.pause("ended");
    await supervisor.resume("ended");
    assert.equal(stopped(), undefined);
  });

  test(
    "keeps the deaths of a process that is revived, and forgets them when it is started",
    limit,
    async () => {
      await supervisor.launch(shell("mortal", "exec sleep 60"));
      process.kill(pid("mortal"), "SIGKILL");
      await waitFor(() => !supervisor.isAlive("mortal"));
      supervisor.note(supervisor.record("mortal"), { deaths: [4711], noted: true });
      await supervisor.revive("mortal");
      const { deaths, noted } = supervisor.record("mortal");
      assert.deepEqual([deaths, noted], [[4711], undefined]);
      await supervisor.restart("mortal");
      assert.equal(supervisor.record("mortal").deaths, undefined);
    },
  );

  test("leaves a running process alone", limit, async () => {
    await supervisor.launch(shell("once", "exec sleep 60"));
    const first = pid("once");
    await supervisor.launch(shell("once", "exec sleep 61"));
    assert.equal(pid("once"), first);
  });

  test("a process that dies while starting is an error with the end of its log", limit, async () => {
    const place = join(directory, "never.sock");
    await assert.rejects(
      supervisor.launch(shell("unlucky", "echo out of luck; exit 3", { ready: [place] })),
      /unlucky died while starting.*\nout of luck/,
    );
  });

  test("a program that does not exist is an error that names it", limit, async () => {
    const spec = {
      name: "absent",
      argv: ["/no/such/program"],
      env: {},
      ready: [join(directory, "never.sock")],
    };
    await assert.rejects(supervisor.launch(spec), /absent cannot be started: \/no\/such\/program .*ENOENT/);
  });

  test("stop insists when SIGTERM is ignored and when the process is paused", limit, async () => {
    await supervisor.launch(shell("paused", "exec sleep 60"));
    await supervisor.pause("paused");
    await supervisor.stop("paused");
    assert.equal(supervisor.isAlive("paused"), false);
    await supervisor.launch(shell("stubborn", "trap '' TERM; echo set; while :; do sleep 0.1; done"));
    await waitFor(() => supervisor.logTail("stubborn") === "set");
    await supervisor.stop("stubborn", 100);
    assert.equal(supervisor.isAlive("stubborn"), false);
    await supervisor.stop("stubborn");
  });

  test("a pid that now belongs to another process is never touched", limit, async () => {
    await supervisor.launch(shell("impostor", "exec sleep 60"));
    const file = join(directory, "impostor.json");
    const record = supervisor.record("impostor");
    writeFileSync(file, JSON.stringify({ ...record, startTime: "1" }));
    assert.equal(supervisor.isAlive("impostor"), false);
    await assert.rejects(supervisor.kill("impostor", "SIGKILL"), /not running/);
    await supervisor.stop("impostor");
    assert.equal(isRunning(record.pid, record.startTime), true);
    writeFileSync(file, JSON.stringify(record));
  });

  test("a damaged record is an error that names the file", () => {
    writeFileSync(join(directory, "damaged.json"), "{");
    assert.throws(() => supervisor.find("damaged"), /damaged\.json: not the record of a process/);
    rmSync(join(directory, "damaged.json"));
  });
});

test("a command's name with blanks and parentheses does not confuse /proc/PID/stat", () => {
  const own = readFileSync("/proc/self/stat", "utf8");
  const odd = own.replace(/\(.*\)/, "(a) Z 1 (b)");
  assert.deepEqual(parseStat(odd), parseStat(own));
  assert.equal(parseStat(own)?.parent, process.ppid);
  assert.equal(parseStat(""), undefined);
});

async function waitFor(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(10);
}
