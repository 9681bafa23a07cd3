// Keeps playing at a steady beat, without ever piling up.

/** One in flight, and one too many while it is late: a beat that finds both waits for the next. */
const MOST_IN_FLIGHT = 2;

/** Calls `play` on every beat while it runs and the page can be seen. */
export class Loop {
  #play;
  #timer = 0;
  #due = 0;
  #inFlight = 0;
  running = false;
  rate = 5;
  /** Beats in a row that found too much in flight. */
  held = 0;

  constructor(play) {
    this.#play = play;
    document.addEventListener("visibilitychange", () => this.#plan());
  }

  start() {
    this.running = true;
    this.held = 0;
    this.#plan();
  }

  stop() {
    this.running = false;
    this.#plan();
  }

  /** From the next beat on. */
  set(rate) {
    this.rate = rate;
    this.#plan();
  }

  get paused() {
    return this.running && document.hidden;
  }

  #plan() {
    clearTimeout(this.#timer);
    if (!this.running || document.hidden) return;
    this.#due = performance.now();
    this.#beat();
  }

  #beat() {
    const gap = 1000 / this.rate;
    const now = performance.now();
    if (now >= this.#due) {
      // A page that was held up does not catch up.
      this.#due = Math.max(this.#due + gap, now);
      this.#serve();
    }
    this.#timer = setTimeout(() => this.#beat(), Math.max(0, this.#due - performance.now()));
  }

  async #serve() {
    if (this.#inFlight >= MOST_IN_FLIGHT) {
      this.held += 1;
      return;
    }
    this.held = 0;
    this.#inFlight += 1;
    await this.#play().finally(() => (this.#inFlight -= 1));
  }
}
