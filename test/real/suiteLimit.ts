/**
 * For a suite that hangs. It is below the runner's limit for a file (test/steps.ts), so that hooks still clean up, and
 * above what any suite takes on the slowest machine.
 */
export const suiteLimit = { timeout: 500_000 };
