import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate } from "./gate.ts";

const what = (): string => "the sun";

test("those who wait pass when the gate opens, those who come later while it is open", async () => {
  const gate = new Gate();
  const waiting = gate.wait(undefined, what);
  gate.open();
  await waiting;
  await gate.wait(undefined, what);
  gate.shut();
  await assert.rejects(gate.wait(AbortSignal.abort(new Error("enough")), what), /enough/);
});

test("whoever gives up waiting is told why, and the others wait on", async () => {
  const gate = new Gate();
  const controller = new AbortController();
  const impatient = gate.wait(controller.signal, what);
  const patient = gate.wait(undefined, what);
  controller.abort(new Error("enough"));
  await assert.rejects(impatient, { code: "canceled", message: "given up waiting for the sun (enough)" });
  gate.open();
  await patient;
});

test("a gate that failed never opens again", async () => {
  const gate = new Gate();
  const waiting = gate.wait(undefined, what);
  gate.fail(new Error("over"));
  await assert.rejects(waiting, /over/);
  await assert.rejects(gate.wait(undefined, what), /over/);
});
