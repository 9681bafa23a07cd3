// Which release, task and zone answered for each node of late, and whether releases differ.
import { byId, element } from "./dom.js";

const RECENT_MS = 10_000;
const HUES = 6;

const page = document.body.dataset.release;
const releases = [page];
let answers = [];

/** Notes who answered in a rally. */
export function seen(nodes) {
  const at = performance.now();
  for (const { name, release, instance, broken } of nodes) {
    if (release && !broken) answers.push({ at, name, release, task: instance?.id ?? "", zone: instance?.availability_zone ?? "" });
  }
}

/** Shows the last ten seconds; before that is over, at least the last answer of every node. */
export function served() {
  const last = new Map(answers.map((answer) => [answer.name, answer]));
  const since = performance.now() - RECENT_MS;
  answers = answers.filter((answer) => answer.at >= since || last.get(answer.name) === answer);
  if (!answers.length) return;

  const nodes = Map.groupBy(answers, ({ name }) => name);
  const rows = [...nodes].map(([name, all]) => server(name, all));
  byId("servers").replaceChildren(server("this page", [{ release: page, task: "", zone: "" }]), ...rows);
  verdict(nodes);
}

function server(name, all) {
  const groups = [...Map.groupBy(all, (one) => JSON.stringify([one.release, one.task, one.zone])).values()].sort((a, b) => order(a[0]) - order(b[0]));
  const share = element("div", { class: "share", "aria-hidden": "true" });
  const legend = element("ul", { class: "legend" });
  for (const group of groups) {
    const { release, task, zone } = group[0];
    const hue = `hue${order(group[0]) % HUES}`;
    const part = element("i", { class: hue });
    part.style.flex = String(group.length);
    share.append(part);
    const percent = groups.length > 1 ? ` ${Math.round((100 * group.length) / all.length)} %` : "";
    const where = [task.slice(0, 12), zone].filter(Boolean).map((text) => ` · ${text}`).join("");
    legend.append(element("li", { title: task }, element("i", { class: hue, "aria-hidden": "true" }), element("b", {}, release), where, percent));
  }
  return element("li", { class: "server" }, element("p", { class: "name" }, name), legend, share);
}

/** Releases keep their colour in the order of appearance; the page's own is the first. */
function order({ release }) {
  if (!releases.includes(release)) releases.push(release);
  return releases.indexOf(release);
}

function verdict(nodes) {
  const running = new Set(answers.map(({ release }) => release));
  const all = new Set([page, ...running]);
  const match = byId("match");
  match.textContent = all.size > 1 ? `${all.size} releases` : "one release";
  match.className = `chip ${all.size > 1 ? "differ" : "same"}`;
  const label = running.size > 2 ? `${running.size} releases` : [...running].join(" and ");
  const line = [element("span", {}, "page ", element("b", {}, page)), element("span", {}, `${nodes.size} nodes `, element("b", {}, label))];
  if (all.size > 1) line.push(element("span", {}, "they differ"));
  byId("releases").replaceChildren(...line);
}
