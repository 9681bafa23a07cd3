// Turns the flat list of hops into the tree that was played, with everybody's share of the time.

/** The colours of the letters' first row, given out in the order of appearance. */
const COLOURS = ["green", "blue", "red", "purple"];

/**
 * The nodes of a rally in the order of its hops, callers first; the first one is who was asked.
 * Empty when no node answered.
 *
 * Each has `name`, `depth`, `children`, `duration` (as its caller saw it), `inner` (the longest of
 * its own calls: they run at once), `own`, `way` (both ways from its caller) and `share`: what this
 * hop alone adds to the rally. All times in µs.
 */
export function tree(rally) {
  const { failure } = rally;
  const name = rally.node || rally.hops[0]?.from || failure?.hop;
  if (!name) return [];
  const root = { ...rally, name, depth: 0, children: [], duration: rally.total_us, row: 0 };
  root.broken = failure && (!failure.hop || failure.hop === name) ? failure.code : "";
  const nodes = [root];
  for (const hop of rally.hops) add(nodes, hop);
  if (failure?.hop && !nodes.some((node) => node.broken)) {
    // Named, but without a hop of its own: it was called last.
    const from = nodes[nodes.length - 1];
    add(nodes, { node: failure.hop, from: from.name, depth: from.depth + 1, code: failure.code });
  }
  place(root, 0);
  nodes.forEach((node, index) => {
    node.colour = COLOURS[index % COLOURS.length];
    measure(node);
  });
  return nodes;
}

/** The hop that cost most by itself: its own work and the way to it. */
export function slowest(nodes) {
  return nodes.reduce((most, node) => ((node.share ?? -1) > (most?.share ?? -1) ? node : most), undefined);
}

function add(nodes, hop) {
  const above = nodes.filter((node) => node.name === hop.from);
  const caller = above.findLast((node) => node.depth === hop.depth - 1) ?? above.at(-1) ?? nodes[0];
  const node = { ...hop, name: hop.node, depth: caller.depth + 1, children: [], duration: hop.duration_us };
  // A node that passes on another's failure did not break itself: it has its meow.
  node.broken = hop.meow ? "" : (hop.code ?? "");
  caller.children.push(node);
  nodes.push(node);
}

/** A row for every end of the tree; a caller stands beside all the rows behind it. */
function place(node, row) {
  node.row = row;
  let next = row;
  for (const child of node.children) next = place(child, next);
  node.rows = Math.max(next, row + 1) - row;
  return row + node.rows;
}

function measure(node) {
  const known = Number.isFinite(node.duration);
  node.inner = Math.max(0, ...node.children.map((child) => child.duration ?? 0));
  const rest = known ? Math.max(0, node.duration - node.inner) : 0;
  node.own = node.depth ? Math.min(node.own_us ?? rest, rest) : rest;
  node.way = rest - node.own;
  node.share = known ? rest : undefined;
}
