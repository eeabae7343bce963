// The reporter of `node --test` for test/run.ts: one line for each failure while tests run, nothing for a pass, and at
// the end the counts as one JSON line in the file named by WEFT_TEST_COUNTS. Suites are not counted.

import { writeFileSync } from "node:fs";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

export interface Counts {
  passed: number;
  failed: number;
}

export async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts: Counts = { passed: 0, failed: 0 };
  for await (const event of events) {
    if (event.type === "test:pass" && event.data.details.type !== "suite") {
      if (event.data.skip !== undefined || event.data.todo !== undefined) {
        counts.failed++;
        yield `not ok  ${event.data.name}: skipped tests are not allowed\n`;
      } else counts.passed++;
    } else if (event.type === "test:fail" && event.data.details.type !== "suite") {
      counts.failed++;
      const place = event.data.file ? ` (${event.data.file}:${event.data.line ?? 0})` : "";
      const error = event.data.details.error;
      yield `not ok  ${event.data.name}${place}\n${indent(inspect(error.cause ?? error, { depth: 6 }))}\n`;
    } else if (event.type === "test:fail" && isOfHook(event.data.details.error)) {
      // Its tests count as failed, and this is the only place that says why.
      yield `before or after ${event.data.name}\n${indent(inspect(event.data.details.error.cause, { depth: 6 }))}\n`;
    } else if (event.type === "test:stderr" || event.type === "test:stdout") yield event.data.message;
  }
  const file = process.env["WEFT_TEST_COUNTS"];
  if (file) writeFileSync(file, JSON.stringify(counts));
  yield `${counts.passed} passed, ${counts.failed} failed\n`;
}

const isOfHook = (error: Error): boolean => "failureType" in error && error.failureType === "hookFailed";

const indent = (text: string): string => text.replaceAll(/^/gm, "        ");

// `node --test-reporter` accepts only the module's default export.
export { report as default };
