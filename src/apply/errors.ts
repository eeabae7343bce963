// What can go wrong in the engine, beyond what the database says (OvsdbError).

/** The fence row changed hands: another controller leads. The engine that sees this stops and never writes again. */
export class FenceLostError extends Error {
  override readonly name = "FenceLostError";
  readonly retryable = false;
}

/** Facts that cannot be made true as facts and database are now: no transaction was tried. */
export class ImpossibleFactsError extends Error {
  override readonly name = "ImpossibleFactsError";
  readonly retryable = false;
}
