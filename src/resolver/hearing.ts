// What an answer says about the name that was asked for. The question's name counts, not that of an alias on the way: a
// policy that allows `www.example.com` allows the addresses that it leads to, and one that allows the alias's target needs
// a question for that. Records that the question does not lead to are nobody's, whatever they say.

import type { LearnedAddress } from "../kube/learnedName.ts";
import { patternsMatching } from "../model/domainName.ts";
import { formatIp } from "../model/ip.ts";
import { isOrdinary } from "../model/specialAddresses.ts";
import { type Answer, type Question, types } from "./message.ts";

/** How long an address counts beyond its time, for clients that connect a moment after they asked. */
const graceMs = 10_000;
/** It counts for so long at least, for slow clients, and because CoreDNS keeps an answer without time for seconds. */
const leastMs = 60_000;
/** And so long at most, whatever the answer says. */
const mostMs = 24 * 3_600_000;
const longestChain = 16;

export interface Heard {
  readonly name: string;
  /** Address ▶ until when it counts. */
  readonly addresses: ReadonlyMap<string, LearnedAddress>;
}

/** Undefined when the answer has no addresses for its question. */
export function heardIn(question: Question, answer: Answer, nowMs: number): Heard | undefined {
  const { name, type } = question;
  if (name === undefined || (type !== types.A && type !== types.AAAA)) return undefined;
  const family = type === types.A ? 4 : 6;
  const aliasOf = new Map(answer.aliases.toReversed().map((alias) => [alias.owner, alias]));
  let [end, ttl, left] = [name, Infinity, longestChain];
  for (let alias = aliasOf.get(end); alias; alias = aliasOf.get(end)) {
    if (left-- === 0) return undefined;
    [end, ttl] = [alias.target, Math.min(ttl, alias.ttl)];
  }
  const addresses = new Map<string, LearnedAddress>();
  for (const { owner, ip, ttl: own } of answer.addresses) {
    if (owner !== end || ip.family !== family || !isOrdinary(ip)) continue;
    const lastsMs = Math.min(Math.max(Math.min(ttl, own) * 1000 + graceMs, leastMs), mostMs);
    const key = formatIp(ip);
    const untilMs = Math.max(nowMs + lastsMs, addresses.get(key)?.untilMs ?? 0);
    addresses.set(key, { name, untilMs });
  }
  return addresses.size > 0 ? { name, addresses } : undefined;
}

/** Those of the wanted patterns that match the name. */
export const wantedFor = (name: string, wanted: ReadonlySet<string>): readonly string[] =>
  wanted.size === 0 ? [] : patternsMatching(name).filter((pattern) => wanted.has(pattern));
