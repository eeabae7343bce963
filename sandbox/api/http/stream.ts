// Writes long answers in pieces: waits when the client is slow, and lets other requests run between the pieces, so that
// a list of 100,000 pods neither fills the memory nor holds the event loop.

import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";

/** How many characters are gathered before they are written; a few milliseconds of TLS. */
const pieceLength = 128 * 1024;

/** Writes all texts. Stops early, without an error, when the client has left. */
export async function writeTexts(
  response: ServerResponse,
  texts: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  let piece = "";
  for (const text of texts) {
    piece += text;
    if (piece.length < pieceLength) continue;
    await writePiece(response, piece, signal);
    if (signal.aborted) return;
    piece = "";
    await setImmediate();
  }
  if (piece !== "") await writePiece(response, piece, signal);
}

async function writePiece(response: ServerResponse, piece: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted || response.write(piece)) return;
  try {
    await once(response, "drain", { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
