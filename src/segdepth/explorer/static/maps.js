import { pixelAt, regionAt } from "./places.js";
import { readContainer } from "./container.js";
import { askBytes, Unreachable } from "./source.js";

/** Milliseconds that a question may go on when the pointer has moved on. */
const PATIENCE = 50;

/** Milliseconds after which the nearest computed map is asked for, where the exact one is not there yet. */
const NEAREST_AFTER = 25;

/** Milliseconds that the pointer rests on a map that the page has before the server is told where it is. */
const TELL_AFTER = 120;

/** Milliseconds before a question that was superseded, or whose worker died, is put again. */
const AGAIN_AFTER = 300;

/**
 * What a map is asked by.
 *
 * @param {Object} state
 * @param {string} network
 * @param {string} model
 * @param {Object} place
 * @param {number[]} size - [h, w] of the network's answer.
 * @returns {{params: Object, key: string, place: Object, context: string}}
 */
export function questionOf(state, network, model, place, size) {
  const context = { picture: state.picture, network, model, target: state.targets[network], method: state.method };
  const where = place.region
    ? { region: regionAt(place, size).join(",") }
    : Object.fromEntries(["row", "column"].map((name, axis) => [name, pixelAt(place, size)[axis]]));
  const params = { ...context, ...where };
  return { params, key: JSON.stringify(params), place, context: JSON.stringify(context) };
}

/**
 * Whether a map is what was asked for; a nearest one belongs to the same question at another pixel.
 *
 * @param {Object} head - of the map.
 * @param {Object} params - of the question.
 * @returns {boolean}
 */
export function belongs(head, params) {
  for (const name of ["picture", "network", "model", "target", "method"]) {
    if (head[name] !== params[name]) return false;
  }
  if (params.region !== undefined) return head.region !== null && head.region.join(",") === params.region;
  return head.asked[0] === params.row && head.asked[1] === params.column;
}

function readMap(bytes) {
  const { head, arrays, size } = readContainer(bytes);
  return { head, values: arrays.map.data, size: arrays.map.shape, bytes: size };
}

/** A network's questions at the pointer: one under way, and the newest position wins. */
export class Lane {
  /**
   * @param {{source: Object, held: Recent, client: string}} shared
   * @param {function(): void} changed - called when `shown` or `problem` changed.
   * @param {function(Error): void} failed - called with what the page has to be told.
   */
  constructor(shared, changed, failed) {
    Object.assign(this, shared, { changed, failed });
    this.wanted = null;
    this.shown = null;
    this.exact = null;
    this.nearest = null;
    this.refused = null;
    this.timers = {};
  }

  /** @returns {boolean} whether the shown map is the one that is wanted. */
  get settled() {
    return this.shown !== null && this.wanted !== null && this.shown.key === this.wanted.key;
  }

  /** @param {Object|null} question - of `questionOf`. */
  ask(question) {
    if (question === null || (this.wanted !== null && this.wanted.key === question.key)) {
      if (question !== null) this.again();
      return;
    }
    if (this.wanted === null || this.wanted.context !== question.context) this.forget();
    this.wanted = question;
    this.send();
  }

  /** Put the question again that had no answer, unless it was refused. */
  again() {
    if (this.wanted !== null && !this.settled && !this.exact && this.refused !== this.wanted.key) this.send();
  }

  /** Nothing is wanted any more. */
  forget() {
    for (const name of Object.keys(this.timers)) this.stop(name);
    if (this.exact) this.exact.control.abort();
    if (this.nearest) this.nearest.control.abort();
    [this.wanted, this.shown, this.exact, this.nearest] = [null, null, null, null];
  }

  send() {
    const held = this.held.get(this.wanted.key);
    if (held !== undefined) {
      this.stop("exact");
      this.stop("nearest");
      this.stop("tell");
      if (this.exact) this.exact.control.abort();
      this.exact = null;
      this.show(held);
      this.timers.tell = setTimeout(() => this.tell(), TELL_AFTER);
      return;
    }
    this.stop("tell");
    const age = this.exact ? performance.now() - this.exact.begun : Infinity;
    if (age >= PATIENCE) this.sendExact();
    else this.after("exact", PATIENCE - age, () => this.send());
    if (this.wanted.params.region === undefined) this.after("nearest", NEAREST_AFTER, () => this.sendNearest());
    this.changed();
  }

  /** Let the server know where the pointer is: it computes the maps around there ahead. */
  tell() {
    delete this.timers.tell;
    this.source.ask("api/point", { ...this.wanted.params, client: this.client }).catch(() => {}); // the next question says what is wrong
  }

  after(name, milliseconds, act) {
    if (name in this.timers) return;
    this.timers[name] = setTimeout(() => {
      delete this.timers[name];
      if (this.wanted !== null && !this.settled) act();
    }, milliseconds);
  }

  stop(name) {
    clearTimeout(this.timers[name]);
    delete this.timers[name];
  }

  async sendExact() {
    this.stop("exact");
    if (this.exact) this.exact.control.abort();
    const under = { question: this.wanted, control: new AbortController(), begun: performance.now() };
    this.exact = under;
    try {
      const map = await this.fetch(under, 1);
      if (map) this.held.put(under.question.key, { ...map, key: under.question.key }, map.bytes);
      if (this.exact !== under) return;
      this.exact = null;
      if (map) this.offer(map, under.question, true);
      if (!this.settled) this.later(under.question, map ? 0 : AGAIN_AFTER);
    } catch (error) {
      if (this.exact !== under) return;
      this.exact = null;
      this.handle(error, under.question);
    }
  }

  later(question, milliseconds) {
    if (this.wanted.key !== question.key) this.send();
    else this.after("exact", milliseconds || AGAIN_AFTER, () => this.send());
  }

  handle(error, question) {
    if (error.name === "AbortError") return;
    if ([409, 500, 503].includes(error.status)) this.later(question, error.status === 409 ? AGAIN_AFTER : 4 * AGAIN_AFTER);
    else if (!(error instanceof Unreachable)) {
      this.refused = question.key;
      if (this.wanted !== null && this.wanted.key === question.key) this.stop("nearest");
    }
    if (error.status !== 409) this.failed(error);
  }

  async sendNearest() {
    if (this.nearest) return;
    const under = { question: this.wanted, control: new AbortController() };
    this.nearest = under;
    try {
      const map = await this.fetch(under, 0);
      if (this.nearest !== under) return;
      this.nearest = null;
      if (map) this.offer(map, under.question);
      if (!this.settled && this.wanted.key !== under.question.key) this.after("nearest", NEAREST_AFTER, () => this.sendNearest());
    } catch (error) {
      if (this.nearest === under) this.nearest = null;
      if (error instanceof Unreachable) this.failed(error);
    }
  }

  async fetch({ question, control }, exact) {
    const bytes = await askBytes(this.source, "api/map", { ...question.params, exact, client: this.client }, { signal: control.signal });
    if (bytes === null) return null;
    const map = readMap(bytes);
    return belongs(map.head, question.params) ? map : null;
  }

  /** Show a map that came, where it is nearer to what is wanted than the shown one; `best`: no better one will come. */
  offer(map, question, best = false) {
    if (this.wanted === null || this.wanted.context !== question.context) return;
    const key = best || map.head.exact ? question.key : null;
    if (key === this.wanted.key) this.show({ ...map, key });
    else if (!this.settled && this.wanted.params.region === undefined && map.head.region === null) {
      if (this.shown === null || this.distance(map.head) < this.distance(this.shown.head)) this.show({ ...map, key });
    }
  }

  distance(head) {
    if (head.region !== null) return Infinity;
    const { row, column } = this.wanted.params;
    return Math.hypot(head.row - row, head.column - column);
  }

  show(map) {
    this.shown = map;
    this.changed();
  }
}

/** Maps at pins and of null models, which are asked for one after another. */
export class Shelf {
  /**
   * @param {{source: Object, held: Recent, client: string}} shared
   * @param {function(): void} changed - called when a map came.
   * @param {function(Error): void} failed
   */
  constructor(shared, changed, failed) {
    Object.assign(this, shared, { changed, failed });
    this.waiting = [];
    this.refused = new Set();
    this.busy = false;
  }

  /**
   * A map, where it is there; else it is asked for.
   *
   * @param {Object} question - of `questionOf`.
   * @returns {Object|null}
   */
  get(question) {
    const held = this.held.get(question.key);
    if (held !== undefined) return held;
    if (this.refused.has(question.key)) return null;
    if (!this.waiting.some((other) => other.key === question.key)) this.waiting.push(question);
    this.waiting = this.waiting.filter((other) => other.params.picture === question.params.picture).slice(-4);
    this.next();
    return null;
  }

  /** Forget what was refused: the next `get` asks again. */
  again() {
    this.refused.clear();
  }

  async next() {
    if (this.busy || !this.waiting.length) return;
    this.busy = true;
    const question = this.waiting[0];
    let pause = 0;
    try {
      const params = { ...question.params, exact: 1, client: `${this.client}-pins` };
      const map = readMap(await askBytes(this.source, "api/map", params));
      if (belongs(map.head, question.params)) this.held.put(question.key, { ...map, key: question.key }, map.bytes);
    } catch (error) {
      if (error.status === 409) pause = AGAIN_AFTER;
      else {
        this.refused.add(question.key);
        this.failed(error);
      }
    }
    if (pause) await new Promise((resolve) => setTimeout(resolve, pause));
    else this.waiting = this.waiting.filter((other) => other.key !== question.key);
    this.busy = false;
    this.changed();
    this.next();
  }
}

