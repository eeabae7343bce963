// A check goes on when a source does not answer, and says what it could not find out.

export type OrElse = <T>(what: string, answer: Promise<T>, otherwise: T) => Promise<T>;

/** Resolves with the answer or, if there is none, with `otherwise`, after adding a sentence about `what` to `unknown`. */
export const orElseNoting =
  (unknown: string[]): OrElse =>
  async (what, answer, otherwise) => {
    try {
      return await answer;
    } catch (error) {
      unknown.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return otherwise;
    }
  };
