// Every round trip of the last minute as a dot, on a logarithmic scale; failures along the top.
import { byId } from "./dom.js";
import { WINDOW_MS } from "./figures.js";
import { time } from "./words.js";

const LEFT = 56;
const BOTTOM = 20;
const TOP = 12;

const canvas = byId("chart");

/** Draws the samples, and says the same in words. */
export function chart({ now, samples, p50, p99 }) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name);
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = `12px ${getComputedStyle(canvas).fontFamily}`;

  const values = samples.filter(({ ok }) => ok).map(({ us }) => us);
  const low = Math.floor(Math.log10(Math.max(1, Math.min(...values, 1000))));
  const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(...values, 1))));
  const floor = height - BOTTOM;
  const x = (at) => LEFT + (width - LEFT - 4) * (1 - (now - at) / WINDOW_MS);
  const y = (us) => floor - ((Math.log10(us) - low) / (high - low)) * (floor - TOP);

  pen.fillStyle = colour("--muted");
  pen.strokeStyle = colour("--line");
  pen.textBaseline = "middle";
  for (let decade = low; decade <= high; decade += 1) {
    const at = Math.round(y(10 ** decade)) + 0.5;
    pen.beginPath();
    pen.moveTo(LEFT, at);
    pen.lineTo(width, at);
    pen.stroke();
    pen.textAlign = "right";
    pen.fillText(time(10 ** decade), LEFT - 7, at);
  }
  pen.textAlign = "left";
  pen.fillText("a minute ago", LEFT, height - 8);
  pen.textAlign = "right";
  pen.fillText("now", width, height - 8);

  for (const { at, us, ok } of samples) {
    pen.fillStyle = colour(ok ? "--r0" : "--bad");
    pen.beginPath();
    if (ok) pen.arc(x(at), y(us), 2.2, 0, 7);
    else pen.rect(x(at) - 1, 0, 2, TOP);
    pen.fill();
  }
  const failed = samples.length - values.length;
  const words = samples.length ? `${samples.length}, half within ${time(p50)}, 99 % within ${time(p99)}, ${failed} failed` : "none yet";
  canvas.setAttribute("aria-label", `Round trips of the last minute: ${words}`);
}
