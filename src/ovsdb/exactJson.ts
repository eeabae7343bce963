// JSON with all 64 bits of OVSDB's integers. An integer that a `number` cannot hold exactly is a `bigint` here, in both
// directions; every other value is as in JSON.parse. A reviver could do the same where it is given the source text,
// which Node 20 does not do, and takes nine times as long as JSON.parse; this takes three times as long, and only for
// texts in which so long a number occurs at all.

/** 2⁵³ − 1 has this many digits: shorter integers are exact. */
const fewestDigits = 16;

/** The JSON value in `text`. Throws a `SyntaxError` if it is none. */
export function parseExactly(text: string): unknown {
  return hasLongNumber(text) ? restored(JSON.parse(withMarks(text))) : JSON.parse(text);
}

/** The JSON text of `value`, with every `bigint` in it as `write` writes it, by default as an integer. */
export function exactText(value: unknown, write: (integer: bigint) => string = String): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return textWithBigints(value, write);
  }
}

/** So many digits in a row include one at an index that is a multiple of that, less one: the others need no look. */
function hasLongNumber(text: string): boolean {
  for (let at = fewestDigits - 1; at < text.length; at += fewestDigits) {
    if (!isDigit(text.charCodeAt(at))) continue;
    let start = at;
    let end = at + 1;
    while (isDigit(text.charCodeAt(start - 1))) start--;
    while (isDigit(text.charCodeAt(end))) end++;
    if (end - start >= fewestDigits) return true;
  }
  return false;
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Long integers; not the digits of a fraction or an exponent. */
const longInteger = /(?<![\d.eE+-])-?[1-9]\d{15,}(?![\d.eE])/g;

/** `text` with `{"":"…"}` in place of long integers. No object of OVSDB has a member without a name. */
function withMarks(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const outside = text.slice(at, quote < 0 ? undefined : quote);
    parts.push(outside.length < fewestDigits ? outside : outside.replace(longInteger, '{"":"$&"}'));
    if (quote < 0) break;
    at = endOfString(text, quote);
    parts.push(text.slice(quote, at));
  }
  return parts.join("");
}

/** The index after the string that begins at `quote`. */
function endOfString(text: string, quote: number): number {
  for (let end = text.indexOf('"', quote + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text[before] === "\\") before--;
    if ((end - before) % 2 === 1) return end + 1;
  }
  return text.length;
}

/** `json` with numbers in place of marks, changed in place. */
function restored(json: unknown): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) {
    for (const [index, member] of json.entries()) json[index] = restored(member);
    return json;
  }
  const object: Record<string, unknown> = Object.assign(json);
  const digits = object[""];
  if (typeof digits === "string" && /^-?[1-9]\d{15,}$/.test(digits)) return integerOf(digits);
  for (const [name, member] of Object.entries(object))
    if (typeof member === "object") object[name] = restored(member);
  return object;
}

function integerOf(digits: string): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}

function textWithBigints(value: unknown, write: (integer: bigint) => string): string {
  const textOf = (member: unknown): string => textWithBigints(member, write);
  if (typeof value === "bigint") return write(value);
  if (Array.isArray(value)) return `[${value.map(textOf).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${textOf(member)}`).join(",")}}`;
}
