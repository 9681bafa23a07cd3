// One line a rally, the newest first; the last 200 can be saved.
import { byId, element } from "./dom.js";
import { count, result, time } from "./words.js";

const KEPT = 200;
const COLUMNS = ["at", "letter", "word", "result", "status", "total_us", "seen_us", "slowest", "slowest_us", "trace_id"];

const body = byId("rallies");
const kept = [];
const waiting = [];
const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });
let played = 0;

/** Notes a rally and the node that cost most; `flush` shows it. */
export function note(rally, slowest) {
  played += 1;
  waiting.unshift({ rally, slowest });
  waiting.length = Math.min(waiting.length, KEPT);
}

/** Brings the table up to date. */
export function flush() {
  if (!waiting.length) return;
  body.querySelector(".empty")?.remove();
  body.prepend(...waiting.map(row));
  kept.unshift(...waiting.splice(0));
  kept.length = Math.min(kept.length, KEPT);
  while (body.rows.length > KEPT) body.rows[body.rows.length - 1].remove();
  byId("log-count").textContent = played > KEPT ? `${played}, the last ${KEPT} kept` : String(played);
}

/** Wires the buttons; `say` tells what happened. */
export function wire(say) {
  byId("save-json").addEventListener("click", () => save("json", "application/json", JSON.stringify(kept.map(({ rally }) => rally), null, 2)));
  byId("save-csv").addEventListener("click", () => save("csv", "text/csv", csv()));
  body.addEventListener("click", async ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    const [label] = button.childNodes;
    await copy(button.dataset.trace);
    label.data = "copied";
    setTimeout(() => (label.data = button.dataset.trace.slice(0, 8)), 1200);
    say("Trace id copied");
  });
}

function row({ rally, slowest }) {
  const cell = (text, kind = "") => element("td", { role: "cell", class: kind }, text);
  const outcome = element("span", rally.failure ? { class: "broke" } : {}, result(rally));
  const hidden = element("span", { class: "unseen" }, " copy the trace id");
  const trace = rally.trace_id
    ? element("button", { type: "button", "data-trace": rally.trace_id, title: rally.trace_id }, rally.trace_id.slice(0, 8), hidden)
    : "–";
  return element(
    "tr",
    { role: "row" },
    cell(clock.format(new Date(rally.at)), "nowrap"),
    cell(`${rally.letter} of ${rally.word}`, "nowrap"),
    cell(outcome),
    cell(time(rally.total_us ?? rally.seen_us), "number nowrap"),
    cell(slowest ? `${slowest.name} +${time(slowest.share)}` : "–"),
    cell(trace),
  );
}

function csv() {
  const line = ({ rally, slowest }) => {
    const values = { ...rally, result: result(rally), slowest: slowest?.name, slowest_us: slowest?.share };
    return COLUMNS.map((column) => field(values[column])).join();
  };
  return [COLUMNS.join(), ...kept.map(line), ""].join("\r\n");
}

/** Quoted; and what a spreadsheet would run as a formula is made text. */
function field(value) {
  const text = String(value ?? "").replace(/^[=+\-@\t\r]/, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function save(extension, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: url, download: `rallies.${extension}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** The clipboard API is there on secure origins only; a load balancer often speaks plain HTTP. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).catch(() => {});
  const field = element("textarea", { class: "unseen", "aria-hidden": "true" }, text);
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
