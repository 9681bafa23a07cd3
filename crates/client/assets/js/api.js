// Plays one rally and tells the truth about it: the node's answer, the edge's, or none.

/** Longer than the budget of a rally, so that a node's own answer about time wins. */
const LIMIT_MS = 10_000;

/**
 * One record a rally, whatever came of it; this is also what is saved as JSON.
 * `total_us` is the first node's figure, `seen_us` what passed in this browser.
 */
export async function play(url, letter, word) {
  const rally = { at: new Date().toISOString(), letter, word, node: "", meows: [], hops: [], trace_id: "" };
  const started = performance.now();
  try {
    const answer = await fetch(`${url}?detail=hops`, { cache: "no-store", signal: AbortSignal.timeout(LIMIT_MS) });
    const text = await answer.text();
    rally.seen_us = since(started);
    rally.status = answer.status;
    rally.trace_id = answer.headers.get("x-trace-id") ?? "";
    read(rally, answer.ok, parsed(text));
  } catch (error) {
    rally.seen_us = since(started);
    const code = error.name === "TimeoutError" ? "late" : navigator.onLine ? "network" : "offline";
    rally.failure = { by: "silence", code };
  }
  return rally;
}

/** Only what has a node's own shape counts as a node's word. */
function read(rally, ok, body) {
  const told = ok ? body : body?.message;
  if (ok ? Array.isArray(told?.meows) : typeof told?.code === "string") {
    const { node = "", release, instance, meows = [], hops = [], trace_id, total_us } = told;
    Object.assign(rally, { node, release, instance, meows, hops, total_us });
    rally.trace_id ||= trace_id ?? "";
  }
  if (ok && Array.isArray(told?.meows)) return;
  // A 404 in the suite's shape comes from whoever serves the page, not from a node.
  const node = typeof told?.code === "string" && told.code !== "not_found";
  rally.failure = node
    ? { by: "node", status: told.status, code: told.code, hop: told.hop ?? "", detail: told.detail ?? "" }
    : { by: "edge", status: rally.status };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function since(started) {
  return Math.round((performance.now() - started) * 1000);
}
