// How things are said: times, results, and what went wrong, in plain words.

const BROKE = {
  refused: "refused the connection: nothing listens there",
  dns: "has no address: its name is not known",
  timeout: "did not answer in time",
  deadline: "was reached too late: the time of the whole rally was up",
  reset: "hung up before it had answered",
  bad_status: "gave an answer that it should not give",
  bad_answer: "said something that is not a meow",
  loop: "had the ball before: the chain runs in a circle",
  draining: "is shutting down and takes no new ball",
  overloaded: "has too many balls in the air",
  injected: "dropped the ball on purpose: a fault is switched on",
  unauthorized: "does not know this token",
  bad_request: "did not understand the request",
  too_large: "was sent too much",
  internal: "has a fault of its own; its log says more",
};

const EDGE = {
  404: "There is no /start at this address: no node is behind it, or BASE_URL points elsewhere.",
  429: "The load balancer or proxy holds requests back.",
  502: "The load balancer or proxy got no proper answer from a node.",
  503: "The load balancer or proxy has no healthy node to ask.",
  504: "The load balancer or proxy waited for a node in vain.",
};

const SILENT = {
  network: ["No answer at all", "The server cannot be reached: it is down, or something on the way is."],
  offline: ["This browser is offline", "The ball did not leave this machine."],
  late: ["No answer in time", "Nothing came back within ten seconds, so this page stopped waiting."],
};

/** `812 µs`, `1.23 ms`, `2.4 s`. */
export function time(us) {
  if (us === undefined || us === null || !Number.isFinite(us)) return "–";
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${Number((us / 1e3).toPrecision(3))} ms`;
  return `${Number((us / 1e6).toPrecision(3))} s`;
}

/** `1 meow`, `3 meows`. */
export function count(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** What a hop did wrong, as the end of a sentence that begins with its name. */
export function broke(code) {
  return BROKE[code] ?? `failed (${code})`;
}

/** Headline and explanation of a rally. */
export function verdict(rally) {
  const { failure } = rally;
  const meows = count(rally.meows.length, "meow");
  if (!failure) return [`${meows} in ${time(rally.total_us)}`, `${rally.word} ${rally.letter} · trace ${rally.trace_id || "unknown"}`];
  if (failure.by === "node") {
    const hop = failure.hop || rally.node || "The first node";
    const [what, why = ""] = broke(failure.code).split(": ");
    const kept = rally.meows.length ? ` Before that: ${meows}.` : "";
    return [`${hop} ${what}`, `${sentence(why)}${failure.status} ${failure.code}: ${failure.detail}.${kept}`];
  }
  if (failure.by === "edge") {
    return [`${failure.status} from the edge, not from a node`, EDGE[failure.status] ?? "What came back is not a node's answer."];
  }
  return SILENT[failure.code];
}

/** One or two words for the log. */
export function result(rally) {
  const { failure } = rally;
  if (!failure) return count(rally.meows.length, "meow");
  if (failure.by === "node") return `${failure.code}${failure.hop ? ` at ${failure.hop}` : ""}`;
  if (failure.by === "edge") return `${failure.status} at the edge`;
  return SILENT[failure.code][0].toLowerCase();
}

function sentence(text) {
  return text && `${text[0].toUpperCase()}${text.slice(1)}. `;
}
