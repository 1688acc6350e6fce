import { DataApiError } from "./errors.ts";

/** One statement, cut at its named parameters: `texts` has one piece more than `names`. */
export type ParsedSql = { texts: readonly string[]; names: readonly string[]; keyword: string };

/**
 * Everything in SQL that may hold a colon, a semicolon or a dollar sign that means nothing: strings, quoted names,
 * comments, dollar quotes, `::` and `:=`. Then what means something: a parameter, `$1`, a semicolon. A word is matched
 * whole, so that `a$1` is a name and not a parameter. Nested comments are measured by hand.
 */
const token = new RegExp(
  [
    String.raw`\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'`,
    "'(?:[^']|'')*'",
    '"(?:[^"]|"")*"',
    String.raw`--[^\n]*`,
    String.raw`(?<comment>/\*)`,
    String.raw`(?<quote>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)`,
    String.raw`\$(?<position>\d+)`,
    "::|:=",
    String.raw`:(?<name>[A-Za-z_]\w*)`,
    "(?<end>;)",
    String.raw`(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
    String.raw`\s+`,
    String.raw`(?<other>[\s\S])`,
  ].join("|"),
  "uy",
);

const cache = new Map<string, ParsedSql>();

/**
 * Finds the named parameters of one statement.
 *
 * @throws {DataApiError} for several statements, for `$1`, and for transaction control (which has calls of its own)
 */
export function parseSql(sql: string): ParsedSql {
  const known = cache.get(sql);
  if (known) return known;
  const parsed = cut(sql);
  // A service has some hundred statements; a caller that builds SQL text by hand must not fill the memory.
  if (cache.size >= 1000) cache.clear();
  cache.set(sql, parsed);
  return parsed;
}

function cut(sql: string): ParsedSql {
  const texts: string[] = [];
  const names: string[] = [];
  const words: string[] = [];
  let from = 0;
  let ended = false;
  for (let at = 0; at < sql.length; ) {
    token.lastIndex = at;
    const match = token.exec(sql);
    const { comment, quote, position, name, end, word, other } = match?.groups ?? {};
    const start = at;
    at = comment ? commentEnd(sql, at) : quote ? quoteEnd(sql, at, quote) : at + (match?.[0].length ?? 1);
    const blank = comment !== undefined || /^(?:--|\s)/.test(sql.slice(start, start + 2));
    if (ended && !end && !blank) throw new DataApiError("ValidationException", "Multistatements aren't supported.");
    if (end) {
      if (!ended) texts.push(sql.slice(from, start));
      ended = true;
    }
    if (position) throw positional(position);
    if (word && words.length < 3) words.push(word.toLowerCase());
    if (name) {
      texts.push(sql.slice(from, start));
      names.push(name);
      from = at;
    }
    if (other === "\0") throw new DataApiError("BadRequestException", "The statement holds a NUL character");
  }
  if (!ended) texts.push(sql.slice(from));
  refuseUnsuitable(words, sql);
  return { texts, names, keyword: words[0] ?? "" };
}

function commentEnd(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length; at += 1) {
    const two = sql.slice(at, at + 2);
    if (two === "/*") depth += 1;
    if (two === "*/") depth -= 1;
    if (two === "/*" || two === "*/") at += 1;
    if (depth === 0) return at + 1;
  }
  return sql.length;
}

function quoteEnd(sql: string, start: number, quote: string): number {
  const end = sql.indexOf(quote, start + quote.length);
  return end < 0 ? sql.length : end + quote.length;
}

function positional(position: string): DataApiError {
  const complaint = `bind message supplies 0 parameters, but prepared statement "" requires ${position}`;
  return new DataApiError("DatabaseErrorException", `ERROR: ${complaint}; SQLState: 08P01`);
}

function refuseUnsuitable(words: readonly string[], sql: string): void {
  const [first = "", second, third] = words;
  if (first === "" && sql.trim() === "") throw new DataApiError("BadRequestException", "sql is empty");
  const toSavepoint = second === "to" || third === "to" || second === "prepared";
  if (["begin", "start", "commit", "end", "abort"].includes(first) || (first === "rollback" && !toSavepoint)) {
    throw new DataApiError("BadRequestException", `${first.toUpperCase()}: use the transaction operations of the API`);
  }
  if (first === "copy" && /\bstd(?:in|out)\b/i.test(sql)) {
    throw new DataApiError("DatabaseErrorException", "COPY from or to the client isn't supported");
  }
}
