// Time by hop, to scale: each bar inside its caller's, the full tone for what the hop added itself.
import { byId, element } from "./dom.js";
import { count, time } from "./words.js";

const bars = byId("bars");

/** Draws the bars of a rally, and says how much slower than life it is shown. */
export function score(nodes, shown_ms) {
  const total = nodes[0]?.duration;
  byId("score").hidden = !total;
  if (!total) return;
  bars.replaceChildren(...rows(nodes[0], 0, total));
  byId("pace").textContent = `${pace(total, shown_ms)} Full tone: a node and the way to it; pale: what it waits for. Clocks are not compared, so each call is drawn in the middle of its caller.`;
}

function rows(node, start, total) {
  const took = node.duration;
  const name = element("span", {}, node.name);
  const known = Number.isFinite(took);
  const track = element("span", { class: "track" });
  const pad = known ? (took - node.inner) / 2 : 0;
  if (known) {
    // What the hop adds lies around what its own calls take.
    track.append(part(start, took, total, "behind"));
    track.append(part(start, node.inner ? pad : took, total), part(start + took - pad, node.inner ? pad : 0, total));
  }
  const bar = element("li", { class: `bar ${node.colour}` }, name, track, element("span", { class: "took" }, time(took)));
  const inside = node.children.flatMap((child) => {
    // Calls at once begin at once: together they are centred by the longest.
    return rows(child, start + pad, total);
  });
  return [bar, ...inside];
}

function part(start, took, total, kind = "") {
  const i = element("i", kind ? { class: kind } : {});
  if (!took) i.hidden = true;
  i.style.left = `${(100 * start) / total}%`;
  i.style.width = `${(100 * took) / total}%`;
  return i;
}

function pace(total, shown_ms) {
  const factor = (shown_ms * 1000) / total;
  if (!Number.isFinite(factor) || shown_ms < 50) return "";
  if (factor >= 2) return `Shown ${count(Math.round(factor), "time")} slower than it was.`;
  return factor > 0.5 ? "Shown at about its own speed." : `Shown ${count(Math.round(1 / factor), "time")} faster than it was.`;
}
