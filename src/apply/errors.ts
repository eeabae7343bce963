// What can go wrong in the engine, apart from the database's own errors (OvsdbError).

/** The fence row changed hands: another controller leads. The engine stops and never writes again. */
export class FenceLostError extends Error {
  override readonly name = "FenceLostError";
  readonly retryable = false;
}

/** Facts that cannot be made true with the present facts and database. No transaction was tried. */
export class ImpossibleFactsError extends Error {
  override readonly name = "ImpossibleFactsError";
  readonly retryable = false;
}
