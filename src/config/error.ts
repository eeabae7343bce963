/**
 * A configuration that makes no sense. The message says which part is wrong and what it should be; nothing starts
 * with it.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
