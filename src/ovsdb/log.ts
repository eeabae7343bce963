// The log of the library: a function that the program provides. It fits pino, console and tests.

export type LogLevel = "debug" | "info" | "warn" | "error";

export type Log = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;
