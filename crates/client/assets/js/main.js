// Starts the page: letters and keys serve, the switch keeps serving, and everything is shown.
import { play } from "./api.js";
import { flying, replay } from "./ball.js";
import { chart } from "./chart.js";
import { byId } from "./dom.js";
import { figures, sample } from "./figures.js";
import { flush, note, wire } from "./log.js";
import { Loop } from "./loop.js";
import { score } from "./score.js";
import { seen, served } from "./served.js";
import { assemble, silence } from "./stage.js";
import { slowest, tree } from "./tree.js";
import { time, verdict } from "./words.js";

const SHOWN_MS = 2200;
const SHOWN_IN_RALLY_MS = 900;
const WAITING_MS = 400;
const REFRESH_MS = 250;

const form = byId("letters");
const tiles = [...form.elements];
const loop = new Loop(() => serve(tiles[beat++ % tiles.length], true));
let beat = 0;
let shown = -Infinity;
let trouble = false;

/** Plays the rally of a letter and shows it; of a quick succession, as many as the eye can follow. */
async function serve(tile, repeated) {
  const { letter, word } = tile.dataset;
  strike(tile);
  const slow = repeated ? 0 : setTimeout(() => bill(["Served …", "Waiting for the answer."]), WAITING_MS);
  const rally = await play(form.action, letter, word);
  clearTimeout(slow);
  const nodes = tree(rally);
  sample(rally);
  seen(nodes);
  note(rally, slowest(nodes));
  const due = !flying() && performance.now() - shown > SHOWN_IN_RALLY_MS;
  if (!repeated || due || (rally.failure && !trouble)) show(rally, nodes, repeated);
  if (repeated) announceChange(rally);
  else announce(rally);
  if (!repeated) refresh();
}

function show(rally, nodes, repeated) {
  bill(verdict(rally));
  byId("stage").classList.toggle("failed", Boolean(rally.failure));
  if (nodes.length) assemble(nodes, repeated);
  else silence();
  const hops = Math.max(3, ...nodes.map(({ depth }) => depth));
  score(nodes, replay(nodes, repeated ? SHOWN_IN_RALLY_MS : (SHOWN_MS * hops) / 3));
  shown = performance.now();
}

function bill([headline, detail]) {
  byId("verdict").textContent = headline;
  byId("detail").textContent = detail;
}

function strike(tile) {
  tile.classList.add("struck");
  setTimeout(() => tile.classList.remove("struck"), 120);
}

function say(text) {
  byId("announcer").textContent = text;
}

function announce(rally) {
  const [headline, detail] = verdict(rally);
  say(rally.failure ? `${headline}. ${detail}` : `${headline}: ${rally.meows.join(", ")}`);
}

/** While it keeps playing, only a change is worth an interruption. */
function announceChange(rally) {
  if (Boolean(rally.failure) === trouble) return;
  trouble = Boolean(rally.failure);
  say(trouble ? verdict(rally)[0] : "The rally goes on without failures");
}

/** Brings everything that counts up to date; a few times a second is as often as one can read. */
function refresh() {
  const now = figures();
  const known = now.samples.length > 0;
  const texts = {
    rate: loop.running ? `${now.rate.toFixed(1)}/s` : "–",
    success: known ? `${Number((100 * now.success).toFixed(now.success > 0.99 && now.success < 1 ? 2 : 1))} %` : "–",
    p50: time(now.p50),
    p95: time(now.p95),
    p99: time(now.p99),
  };
  for (const [name, text] of Object.entries(texts)) document.querySelector(`[data-figure=${name}]`).textContent = text;
  document.querySelector("[data-figure=success]").classList.toggle("bad", known && now.success < 1);
  chart(now);
  served();
  flush();
  const held = loop.running && loop.held > 2;
  byId("rally-state").textContent = loop.paused ? "Paused: out of sight" : loop.running ? "Playing" : "Off";
  byId("rally-note").textContent = held
    ? "Answers take longer than the beat: never more than two are in flight, so the rate is held back."
    : "Round trips of the last minute, as this browser sees them.";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  serve(event.submitter ?? tiles[0], false);
});

// The same letter twice: its two tiles take turns.
const turns = {};
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || !byId("keys").checked) return;
  const letter = event.key.toUpperCase();
  const mine = tiles.filter((tile) => tile.dataset.letter === letter);
  if (!mine.length) return;
  turns[letter] = (turns[letter] ?? -1) + 1;
  serve(mine[turns[letter] % mine.length], false);
});

byId("rally-switch").addEventListener("change", ({ target }) => {
  if (target.checked) loop.start();
  else loop.stop();
  trouble = false;
  byId("log").classList.toggle("playing", target.checked);
  say(target.checked ? `Playing ${loop.rate} a second` : "Stopped");
  refresh();
});
byId("rate").addEventListener("input", ({ target }) => {
  byId("rate-value").textContent = target.value;
  loop.set(Number(target.value));
});
document.addEventListener("visibilitychange", refresh);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
new ResizeObserver(refresh).observe(byId("chart"));
setInterval(() => (loop.running || figures().samples.length) && refresh(), REFRESH_MS);
wire(say);
