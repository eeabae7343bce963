// `weft resolver`: a DNS server between CoreDNS and the servers that it would ask itself. It passes questions and answers
// on, and learns from answers which addresses the names have that policies allow. An answer with an address that is new for
// such a name waits until OVN lets pods through to it, or a second at most, so that their first packet passes; every other
// one passes at once.

import type { Log } from "../kube/clock.ts";
import type { Book } from "./book.ts";
import { heardIn, wantedFor } from "./hearing.ts";
import { answerTo, isQuery, questionOf } from "./message.ts";
import type { AnswerQuery } from "./serveDns.ts";
import type { Upstreams } from "./upstreams.ts";

export interface ResolverOptions {
  readonly upstreams: Upstreams;
  readonly book: Pick<Book, "wanted" | "learn">;
  readonly metrics: ResolverMetrics;
  readonly wall: () => number;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface ResolverMetrics {
  readonly answered: (transport: "udp" | "tcp", isAnswered: boolean) => void;
  /** An answer to a name in a policy has been held for so long, and is in force or not. */
  readonly held: (seconds: number, isInForce: boolean) => void;
}

/** CoreDNS waits two seconds in all before it asks elsewhere. */
const most = { holdMs: 1_000, inAllMs: 1_900 } as const;

export const resolving =
  ({ upstreams, book, metrics, wall, log, signal }: ResolverOptions): AnswerQuery =>
  async (query, transport) => {
    const question = questionOf(query);
    if (!question || !isQuery(query, question)) return undefined;
    const askedMs = performance.now();
    const message = await upstreams.ask(query, transport, signal);
    metrics.answered(transport, message !== undefined);
    const { name } = question;
    if (!message || name === undefined || wantedFor(name, book.wanted).length === 0) return message;
    const answer = answerTo(question, message);
    const heard = answer && heardIn(question, answer, wall());
    if (!heard) return message;
    const beganMs = performance.now();
    const isInForce = await book.learn(
      heard,
      Math.max(0, Math.min(most.holdMs, askedMs + most.inAllMs - beganMs)),
    );
    metrics.held((performance.now() - beganMs) / 1000, isInForce);
    if (!isInForce) log("warn", "an answer passes before its addresses are in force", { name });
    return message;
  };
