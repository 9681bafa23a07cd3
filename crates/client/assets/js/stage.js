// The band on its stage: who plays, where each stands, and the lanes between them.
import { byId, drawing, element } from "./dom.js";
import { broke, time } from "./words.js";

const BAND = ["john", "paul", "george", "ringo"];
const COLUMN_PX = 124;
const SMALL_COLUMN_PX = 104;

const court = byId("court");
const band = byId("band");
const path = byId("path");

let figures = [...band.children].map((li, index) => ({ li, node: { depth: index, row: 0 }, from: index - 1 }));
let cast = "";

new ResizeObserver(arrange).observe(court);

/** Puts these nodes on the stage, awake or not; the same cast keeps its figures. */
export function assemble(nodes, awake) {
  const next = nodes.map((node) => `${node.name}/${node.depth}/${node.row}`).join();
  const changed = next !== cast;
  if (changed) {
    cast = next;
    figures = nodes.map((node) => figure(node, nodes));
    band.replaceChildren(...figures.map(({ li }) => li));
  }
  figures.forEach((figure, index) => {
    figure.node = nodes[index];
    figure.time.textContent = "";
    figure.meta.replaceChildren(...origin(nodes[index]));
    mood(figure, awake ? "lit" : "asleep");
  });
  if (changed) arrange();
}

/** All figures sleep: nobody was reached. */
export function silence() {
  for (const figure of figures) {
    if (figure.time) figure.time.textContent = "";
    mood(figure, "asleep");
  }
}

/** The ball is here; whoever was called says its meow. */
export function hit(index) {
  const { node } = figures[index];
  if (node.broken) return fail(index);
  // The node's name on a line of its own.
  figures[index].bubble.textContent = (node.meow ?? "").replace(/ (?=\S+$)/, "\n");
  mood(figures[index], node.meow ? "lit says hit" : "lit hit");
}

/** The ball is back at the caller: now the time is known. */
export function settle(index) {
  figures[index].time.textContent = time(figures[index].node.duration);
}

function fail(index) {
  figures[index].bubble.textContent = broke(figures[index].node.broken);
  mood(figures[index], "broken");
}

/** The ends of lane `index`, which leads to that figure, and the side to which it bends. */
export function lane(index, back) {
  const to = figures[index];
  const from = figures[to.from];
  const [start, end] = from ? ends(from, to) : [entry(to), entry(to)];
  const bend = from ? bendOf(start, end, back) : start;
  return back ? [end, bend, start] : [start, bend, end];
}

/** Where the ball rests at a figure: where it came in, or where it goes out. */
export function spot(index, out) {
  const leaf = !figures.some((figure) => figure.from === index);
  if (out && !leaf) return exit(figures[index]);
  return index === 0 ? exit(figures[0]) : ends(figures[figures[index].from], figures[index])[1];
}

/** The floor below a figure. */
export function floor(index) {
  const { box } = figures[index];
  return box.bottom - 4;
}

/** Left of everybody: where a ball lies that reached nobody. */
export function outside() {
  const { box } = figures[0];
  return { x: box.left - 2, y: box.bottom - 4 };
}

function figure(node, nodes) {
  const who = BAND.find((name) => node.name.endsWith(name)) ?? "guest";
  const cat = drawing("svg", { class: "cat", viewBox: "0 0 112 120", "aria-hidden": "true" });
  cat.append(drawing("use", { href: "#cat" }), drawing("use", { href: `#${who}` }));
  const bubble = element("p", { class: "bubble" });
  const taken = element("p", { class: "time" });
  const meta = element("p", { class: "meta" });
  const about = element("div", { class: "about" }, element("p", { class: "name" }, node.name), taken, meta);
  const li = element("li", {}, bubble, cat, about);
  return { li, bubble, time: taken, meta, node, from: nodes.findIndex((other) => other.children.includes(node)) };
}

function mood(figure, moods) {
  figure.li.className = `figure ${moods} ${figure.node.colour ?? ""}`;
}

function origin({ release, instance }) {
  const parts = [release, instance?.availability_zone, instance?.id?.slice(0, 12)];
  return parts.filter(Boolean).map((part) => element("span", {}, part));
}

/** A row of figures where there is room, a tree for a fan-out, else a list. */
function arrange() {
  const columns = Math.max(...figures.map(({ node }) => node.depth)) + 1;
  const fan = figures.some(({ node }) => node.row > 0);
  const wide = court.clientWidth >= columns * (fan ? SMALL_COLUMN_PX : COLUMN_PX);
  const list = cast !== "" && !wide;
  band.className = list ? "compact list" : fan ? "fan" : "line";
  band.style.gridTemplateColumns = list ? "minmax(0, 1fr)" : `repeat(${columns}, minmax(0, 1fr))`;
  for (const { li, node } of figures) {
    li.style.gridColumn = list ? "" : node.depth + 1;
    li.style.gridRow = !fan || list ? "" : `${node.row + 1} / span ${node.rows ?? 1}`;
    li.style.setProperty("--depth", fan ? node.depth : 0);
  }
  measure();
  draw();
}

function draw() {
  const lanes = figures.flatMap((figure, index) => {
    if (figure.from < 0) return [];
    return [false, true].map((back) => {
      const [start, bend, end] = lane(index, back);
      const d = `M${start.x} ${start.y}Q${bend.x} ${bend.y} ${end.x} ${end.y}`;
      return drawing("path", { class: "lane", d });
    });
  });
  path.querySelectorAll(".lane").forEach((old) => old.remove());
  path.prepend(...lanes);
}

/** Where every figure stands, measured once: the ball asks in every frame. */
function measure() {
  const origin = court.getBoundingClientRect();
  for (const figure of figures) {
    const { x, y, width, height } = figure.li.querySelector(".cat").getBoundingClientRect();
    const [left, top] = [x - origin.x, y - origin.y];
    figure.box = { left, top, right: left + width, bottom: top + height, width, height };
  }
}

/** At the paddle. */
function exit({ box }) {
  if (band.classList.contains("list")) return { x: box.left + box.width / 2, y: box.bottom + 6 };
  return { x: box.right + 7, y: box.top + box.height * 0.66 };
}

function entry({ box }) {
  return { x: box.left - 3, y: box.top + box.height * 0.66 };
}

function ends(from, to) {
  const list = band.classList.contains("list");
  if (!list || to.node.depth !== from.node.depth + 1) return [exit(from), entry(to)];
  const { box } = to;
  const sameColumn = Math.abs(box.left - from.box.left) < 2;
  return [exit(from), sameColumn ? { x: box.left + box.width / 2, y: box.top - 6 } : entry(to)];
}

/** There and back are two arcs, like a lens; in a list a lane to the side is an elbow. */
function bendOf(start, end, back) {
  const [dx, dy] = [end.x - start.x, end.y - start.y];
  const length = Math.hypot(dx, dy) || 1;
  const size = Math.min(34, length * 0.4) * (back ? -1 : 1);
  return { x: start.x + dx / 2 + (dy / length) * size, y: start.y + dy / 2 - (dx / length) * size };
}
