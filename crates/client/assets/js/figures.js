// The figures of the last minute: rate, success, percentiles.

/** How far back figures and chart look. */
export const WINDOW_MS = 60_000;
const RATE_MS = 5_000;

const samples = [];

/** Notes when a rally ended, what it took in this browser, and whether it went well. */
export function sample(rally) {
  samples.push({ at: performance.now(), us: rally.seen_us, ok: !rally.failure });
}

/** What the last minute was like; `us` of each sample is a round trip. */
export function figures() {
  const now = performance.now();
  while (samples.length && samples[0].at < now - WINDOW_MS) samples.shift();
  const good = samples.filter(({ ok }) => ok).map(({ us }) => us).sort((a, b) => a - b);
  const recent = samples.filter(({ at }) => at >= now - RATE_MS);
  const span = Math.max(1000, now - (recent[0]?.at ?? now));
  return {
    now,
    samples,
    rate: recent.length > 1 ? ((recent.length - 1) * 1000) / span : 0,
    success: samples.length ? good.length / samples.length : undefined,
    p50: percentile(good, 0.5),
    p95: percentile(good, 0.95),
    p99: percentile(good, 0.99),
  };
}

/** The smallest value that at least this share of all does not exceed. */
function percentile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
