import { readContainer } from "./container.js";
import { Lane, questionOf, Shelf } from "./maps.js";
import { pixelAt, readPlace } from "./places.js";
import { Recent } from "./recent.js";
import { askBytes, askJson } from "./source.js";

/** Bytes of maps, and of pictures and answers, that the page keeps. */
const ROOM = 64 * 2 ** 20;

/** Milliseconds that the pointer rests before fields are asked for. */
const REST = 120;

/** Everything the page has from its source, and what it asks for next. */
export class Data {
  /**
   * @param {{ask: function}} source
   * @param {Object} session
   * @param {Store} store
   * @param {{changed: function(), failed: function(Error)}} on
   */
  constructor(source, session, store, { changed, failed }) {
    Object.assign(this, { source, session, store, changed, failed });
    this.pictures = new Recent(ROOM);
    this.held = new Recent(ROOM);
    this.loading = new Map();
    this.refused = new Map();
    const letters = crypto.getRandomValues(new Uint32Array(2));
    this.client = Array.from(letters, (number) => number.toString(36)).join("");
    const shared = { source, held: this.held, client: this.client };
    this.shelf = new Shelf(shared, changed, failed);
    this.lanes = Object.fromEntries(
      session.networks.map(({ id }) => [id, new Lane(shared, changed, (error) => this.laneFailed(id, error))]),
    );
    this.problems = {};
    this.boxes = {};
  }

  /** @returns {Object|null} the picture that is open. */
  get picture() {
    return this.pictures.get(this.store.state.picture) || null;
  }

  /** @returns {Object|null} a network's answer. */
  answer(network, model = this.store.state.models[network]) {
    return this.pictures.get(answerKey(this.store.state.picture, network, model)) || null;
  }

  /** @returns {Object|null} the answer of the first network that can give one: places begin and move in its pixels. */
  leading() {
    const first = this.store.state.networks.find((network) => this.answer(network) || this.problem(network) === null);
    return first === undefined ? null : this.answer(first);
  }

  /** @returns {string|null} why something is not there. */
  problem(network) {
    const { picture, models } = this.store.state;
    const { key, text } = this.problems[network] || {};
    const { wanted } = this.lanes[network];
    return this.refused.get(answerKey(picture, network, models[network])) || (wanted !== null && wanted.key === key ? text : null);
  }

  /** Ask for whatever the state needs and is not there. */
  sync() {
    const { state } = this.store;
    if (state.picture === null) return;
    this.load(state.picture, "api/picture", { picture: state.picture });
    for (const [id, lane] of Object.entries(this.lanes)) if (!state.networks.includes(id)) lane.forget();
    for (const network of state.networks) {
      const model = state.models[network];
      const params = { picture: state.picture, network, model, client: this.client };
      this.load(answerKey(state.picture, network, model), "api/answer", params);
      const answer = this.answer(network);
      if (answer === null) this.lanes[network].forget();
      else if (state.asked) this.lanes[network].ask(questionOf(state, network, model, state.asked, answer.head.size));
    }
    for (const key of [...this.loading.keys()]) if (!key.startsWith(state.picture)) this.cancel(key);
  }

  /** Put all questions again that had no answer. */
  again() {
    this.refused.clear();
    this.problems = {};
    this.shelf.again();
    for (const lane of Object.values(this.lanes)) {
      lane.refused = null;
      lane.again();
    }
    this.sync();
    this.changed();
  }

  cancel(key) {
    this.loading.get(key).abort();
    this.loading.delete(key);
  }

  async load(key, path, params) {
    if (this.pictures.get(key) || this.loading.has(key) || this.refused.has(key)) return;
    const control = new AbortController();
    this.loading.set(key, control);
    try {
      const bytes = await askBytes(this.source, path, params, { signal: control.signal });
      if (this.loading.get(key) !== control) return;
      const read = readContainer(bytes);
      this.pictures.put(key, read, read.size);
    } catch (error) {
      if (error.name === "AbortError" || this.loading.get(key) !== control) return;
      this.refused.set(key, error.message);
      this.failed(error);
    }
    if (this.loading.get(key) === control) this.loading.delete(key);
    this.sync();
    this.changed();
  }

  laneFailed(network, error) {
    const { wanted } = this.lanes[network];
    this.problems[network] = { key: wanted && wanted.key, text: error.message };
    this.failed(error);
    this.changed();
  }

  /** @returns {Object} a map and whether it is the one that is asked for. */
  map(network) {
    const lane = this.lanes[network];
    if (lane.settled) delete this.problems[network];
    return { map: lane.shown, exact: lane.settled };
  }

  /**
   * One side of a comparison.
   *
   * @param {string} text - of `sideText`.
   * @returns {Object|null} the map, where it is there.
   */
  side(text) {
    const { state } = this.store;
    const [network, named, where] = text.split("|");
    if (!(network in this.lanes)) return null;
    if (named === "edges") return this.edges(network);
    const model = named || state.models[network];
    if (where === "here" && model === state.models[network] && state.networks.includes(network)) return this.map(network).map;
    const place = where === "here" ? state.asked : readPlace(where);
    const answer = this.answer(network) || this.answer(network, model);
    if (place === null || answer === null) return null;
    return this.shelf.get(questionOf(state, network, model, place, answer.head.size));
  }

  edges(network) {
    const key = `${this.store.state.picture}|${network}|edges`;
    this.load(key, "api/edges", { picture: this.store.state.picture, network });
    const read = this.pictures.get(key);
    if (!read) return null;
    return { head: { ...read.head, exact: true, text: "edges of the picture" }, values: read.arrays.map.data, size: read.arrays.map.shape };
  }

  /**
   * The receptive fields at the place that is asked about.
   *
   * @param {string} network
   * @returns {{box: number[]|null, circles: Object[], size: number[]}|null}
   */
  fields(network) {
    const { fields, asked, models, picture } = this.store.state;
    const answer = this.answer(network);
    if ((!fields.theoretical && !fields.effective) || !asked || asked.region || !answer) return null;
    const { size } = answer.head;
    const [row, column] = pixelAt(asked, size);
    const params = { picture, network, model: models[network], row, column };
    const key = JSON.stringify(params);
    const found = this.boxes[network];
    if (!found || found.key !== key) {
      this.boxes[network] = { key, reply: null };
      clearTimeout(found && found.timer);
      this.boxes[network].timer = setTimeout(() => this.loadFields(network, key, params), REST);
      return null;
    }
    if (found.reply === null) return null;
    const middle = [row + 0.5, column + 0.5];
    const circle = ([share, radius]) => ({ middle, radius, text: `${Number((share * 100).toFixed(1))} %` });
    const circles = fields.effective ? Object.entries(found.reply.effective).map(circle) : [];
    return { box: fields.theoretical ? found.reply.theoretical : null, circles, size };
  }

  async loadFields(network, key, params) {
    try {
      const reply = await askJson(this.source, "api/fields", params);
      if (this.boxes[network].key === key) this.boxes[network].reply = reply;
      this.changed();
    } catch (error) {
      this.failed(error);
    }
  }
}

function answerKey(picture, network, model) {
  return `${picture}|${network}|${model}`;
}
