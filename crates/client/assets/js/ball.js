// The flight of the ball: a rally played again, slowly, in true proportions.
import { byId, element, still } from "./dom.js";
import { floor, hit, lane, outside, settle, spot } from "./stage.js";

/** A flight that is shorter cannot be seen; only this stretches what is drawn. */
const LEAST_FLIGHT_MS = 120;
const SLIDE_MS = 140;
const DROP_MS = 650;

const court = byId("court");
const drawn = [];
let current = null;

/** Whether a ball is in the air. */
export function flying() {
  return current !== null;
}

/** Plays the rally of these nodes within about `budget` ms; returns how long it will take. */
export function replay(nodes, budget) {
  cancelAnimationFrame(current);
  current = null;
  const script = nodes.length ? write(nodes, budget) : missed();
  const cues = script.cues.sort((a, b) => a.at - b.at);
  const started = performance.now();
  const frame = (now) => {
    const at = still() ? Infinity : now - started;
    while (cues.length && cues[0].at <= at) cues.shift().act();
    balls(script.moves, at);
    current = at < script.end ? requestAnimationFrame(frame) : null;
  };
  frame(started);
  return script.end;
}

/** Turns times in µs into moves and cues in ms: each node works, calls, waits, works, answers. */
function write(nodes, budget) {
  const scale = budget / (nodes[0].duration || 1);
  const moves = [];
  const cues = [];
  const rest = (index, from, to, ends) => moves.push({ from, to, place: slide(index, from, to, ends) });

  const visit = (node, at) => {
    const index = nodes.indexOf(node);
    cues.push({ at, act: () => hit(index) });
    if (node.broken) {
      moves.push({ from: at, to: Infinity, place: (now) => fall(spot(index), floor(index), now - at) });
      return { end: at + DROP_MS, lost: true };
    }
    const work = Math.max((node.own * scale) / 2, node.children.length ? SLIDE_MS / 2 : 0);
    const leave = at + work;
    rest(index, at, leave, [false, true]);
    let [end, lost] = [leave, false];
    for (const child of node.children) {
      const to = nodes.indexOf(child);
      const flight = Math.max((child.way * scale) / 2, LEAST_FLIGHT_MS);
      moves.push({ from: leave, to: leave + flight, place: fly(to, false, leave, flight) });
      const answer = visit(child, leave + flight);
      if (answer.lost) {
        [end, lost] = [Math.max(end, answer.end), true];
        continue;
      }
      moves.push({ from: answer.end, to: answer.end + flight, place: fly(to, true, answer.end, flight) });
      cues.push({ at: answer.end + flight, act: () => settle(to) });
      end = Math.max(end, answer.end + flight);
    }
    if (lost) {
      cues.push({ at: end, act: () => settle(index) });
      return { end, lost };
    }
    rest(index, end, end + work, [true, false]);
    return { end: end + work, lost };
  };

  const whole = visit(nodes[0], 0);
  cues.push({ at: whole.end, act: () => settle(0) });
  // The ball stays where it ended, until the next one.
  if (!whole.lost) moves.push({ from: whole.end, to: Infinity, place: () => spot(0) });
  return { moves, cues, end: whole.end };
}

/** Nobody was reached: the ball falls before it gets anywhere. */
function missed() {
  const place = (now) => {
    const end = outside();
    return fall({ x: end.x, y: end.y - 70 }, end.y, now);
  };
  return { moves: [{ from: 0, to: Infinity, place }], cues: [], end: DROP_MS };
}

function fly(index, back, from, took) {
  return (now) => {
    const f = Math.min(1, (now - from) / took);
    const [a, b, c] = lane(index, back);
    const on = (axis) => (1 - f) ** 2 * a[axis] + 2 * f * (1 - f) * b[axis] + f * f * c[axis];
    return { x: on("x"), y: on("y") };
  };
}

/** From where the ball came in to where it goes out, at the last moment. */
function slide(index, from, to, [first, last]) {
  const start = Math.max(from, to - SLIDE_MS);
  return (now) => {
    const [a, b] = [spot(index, first), spot(index, last)];
    const f = Math.min(1, Math.max(0, (now - start) / (to - start || 1)));
    return { x: a.x + (b.x - a.x) * f, y: a.y + (b.y - a.y) * f - Math.sin(f * Math.PI) * 6 };
  };
}

/** Down to the floor, and two lower bounces. */
function fall(start, ground, after) {
  const f = Math.min(1, after / DROP_MS);
  const height = (ground - start.y) * Math.abs(Math.cos(f * Math.PI * 2.5)) * (1 - f) ** 1.5;
  return { x: start.x - f * 10, y: ground - height };
}

function balls(moves, at) {
  const active = moves.filter((move) => move.from <= at && at < move.to || (at === Infinity && move.to === Infinity));
  active.forEach((move, index) => {
    drawn[index] ??= court.appendChild(element("i", { class: "ball" }));
    const { x, y } = move.place(at);
    drawn[index].style.transform = `translate(${x}px, ${y}px)`;
  });
  for (const spare of drawn.splice(active.length)) spare.remove();
}
