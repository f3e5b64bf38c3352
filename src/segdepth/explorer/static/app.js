import { topBar } from "./bar.js";
import { colourTable } from "./colours.js";
import { Connection, sentenceOf } from "./connection.js";
import { Data } from "./data.js";
import { showKeys } from "./dialogs.js";
import { element } from "./dom.js";
import { Board } from "./board.js";
import { listenToKeys } from "./keyboard.js";
import { Notices } from "./notices.js";
import { Opening } from "./opening.js";
import { middleOf, moved, placeText, samePlace } from "./places.js";
import { sidePanel } from "./side.js";
import { askJson, Unreachable } from "./source.js";
import { firstState, linkOf, stateOf, Store } from "./state.js";
import { saveFigure } from "./taking.js";
import { pulled, showing, zoomed } from "./view.js";

/** Milliseconds before the link, and what is read aloud, follow the pointer. */
const CALM = 400;

/** Screen pixels, across, in which the controls are open at first. */
const SIDE_BY_SIDE = 900;

/** Screen pixels around a pin that are the pin. */
const NEAR = 9;

/**
 * Show the explorer in an element.
 *
 * @param {HTMLElement} root
 * @param {{ask: function}} source
 * @param {{whole?: boolean}} [options] - whether it has the page for itself: its link, and all keys.
 * @returns {Promise<Explorer>}
 */
export async function mountExplorer(root, source, options = {}) {
  root.classList.add("explorer");
  const explorer = new Explorer(root, source, options);
  await explorer.begin();
  return explorer;
}

/** The page: its state, its data, and what becomes of each wish. */
export class Explorer {
  constructor(root, source, options) {
    Object.assign(this, { root, source, options, frame: null, brush: null, sideOpen: null });
    this.notices = new Notices();
    this.connection = new Connection(source, { lost: (text) => this.notices.warn(text), back: (session) => this.again(session) });
    this.show(element("p.wait", {}, "Asking for networks and pictures …"));
  }

  show(work, bar = "") {
    const { banner, toast, live } = this.notices;
    this.root.replaceChildren(bar, banner, work, toast, live);
  }

  async begin() {
    try {
      this.build(await askJson(this.source, "api/session", {}));
    } catch (error) {
      this.failed(error);
    }
  }

  build(session) {
    this.session = session;
    this.first = firstState(session);
    this.store = new Store(stateOf(this.options.whole ? location.hash.slice(1) : "", session));
    this.tables = Object.fromEntries(Object.entries(session.colour_maps).map(([name, text]) => [name, colourTable(text)]));
    this.data = new Data(this.source, session, this.store, { changed: () => this.schedule(), failed: (error) => this.failed(error) });
    this.bar = topBar(this);
    this.board = new Board(this);
    this.side = sidePanel(this);
    const work = element("div.work", {}, this.board.element, this.side.element);
    this.show(work, this.bar.element);
    this.store.listen((state, names) => this.changed(names));
    listenToKeys(this.options.whole ? document : this.root, this);
    this.opening = new Opening(this, this.options.whole ? document : this.root);
    new ResizeObserver(() => this.schedule()).observe(this.board.element);
    if (this.options.whole) window.addEventListener("hashchange", () => this.follow(location.hash.slice(1)));
    this.changed(new Set(["theme", "picture"]));
    if (this.options.whole && window.top === window) this.board.focus(); // within another page, keys are that one's until it is clicked
  }

  changed(names) {
    const { state } = this.store;
    if (names.has("theme")) this.root.dataset.theme = state.theme;
    if (names.has("picture") || names.has("models")) this.data.refused.clear(); // who opens it again asks again
    this.data.sync();
    this.schedule();
    clearTimeout(this.calm);
    this.calm = setTimeout(() => this.settle(), CALM);
  }

  settle() {
    const { state } = this.store;
    if (this.options.whole) {
      const link = `#${linkOf(state, this.first)}`;
      if (link !== location.hash) history.replaceState(null, "", link);
    }
    this.notices.speak(this.board.spoken());
  }

  /** @returns {boolean} whether panels stand one below the other. */
  get narrow() {
    return this.root.clientWidth < 640;
  }

  schedule() {
    if (this.frame !== null || !this.board) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      if (this.sideOpen === null && this.root.clientWidth) this.sideOpen = this.root.clientWidth > SIDE_BY_SIDE;
      this.beginSomewhere();
      this.board.render();
      this.bar.update(this.store.state, this.sideOpen);
      this.side.update(this.store.state);
      this.root.classList.toggle("with-side", this.sideOpen);
    });
  }

  beginSomewhere() {
    const answer = this.data.leading();
    if (this.store.state.asked !== null || answer === null) return;
    const [height, width] = answer.head.size;
    const place = { row: Math.floor(height * 0.6), column: Math.floor(width * 0.5), height, width };
    this.store.set({ asked: place, cursor: place });
  }

  follow(link) {
    if (link === linkOf(this.store.state, this.first)) return;
    this.store.set(stateOf(link, this.session));
  }

  // What the pointer and the keys wish.

  point(place, panel) {
    const reads = this.store.state.held || ["map", "compare"].includes(panel.kind);
    this.store.set(reads ? { cursor: place } : { cursor: place, asked: place });
  }

  leave() {
    const { asked } = this.store.state;
    if (asked && !asked.region) this.store.set({ cursor: asked });
  }

  pin(place, panel) {
    const { state } = this.store;
    if (!place) {
      const here = this.board.focused();
      place = here && here.kind === "map" && state.cursor ? state.cursor : state.asked;
    }
    if (!place) return;
    const near = panel && state.pins.find((pin) => {
      const [[y, x], [v, u]] = [middleOf(pin), middleOf(place)];
      return Math.hypot((y - v) * panel.frame.height, (x - u) * panel.frame.width) < NEAR;
    });
    if (near) this.select(near);
    else if (!state.pins.some((pin) => samePlace(pin, place))) {
      this.store.set({ pins: [...state.pins, place], asked: place, cursor: place.region ? state.cursor : place });
    }
  }

  select(place) {
    this.store.set({ asked: place, cursor: place.region ? this.store.state.cursor : place, held: Boolean(place.region) });
    this.reveal(place);
  }

  unpin(place) {
    const { pins, compare } = this.store.state;
    const text = placeText(place);
    const sides = {};
    for (const side of ["a", "b"]) if (compare[side].endsWith(`|${text}`)) sides[side] = compare[side].replace(text, "here");
    this.store.set({ pins: pins.filter((pin) => !samePlace(pin, place)), compare: sides });
  }

  move(rows, columns) {
    const { state } = this.store;
    const panel = this.board.focused() || this.board.panels[0];
    const size = panel && (panel.kind === "picture" ? this.board.size() : panel.figure && panel.figure.size);
    const from = state.cursor || state.asked;
    if (!size || !from) return;
    const place = moved(from, rows, columns, size);
    this.point(place, panel);
    this.reveal(place);
  }

  reveal(place) {
    const panel = this.board.panels[0];
    if (panel) this.store.set({ view: showing(this.store.state.view, middleOf(place), panel.box, this.board.shape()) });
  }

  pull(down, right, panel) {
    this.store.set({ view: pulled(this.store.state.view, panel.box, this.board.shape(), down, right) });
  }

  pulls() {
    return this.store.state.view.zoom > 1;
  }

  zoom(factor, top, left, panel = this.board.panels[0]) {
    if (top === undefined) {
      const [y, x] = this.store.state.cursor ? middleOf(this.store.state.cursor) : [0.5, 0.5];
      [top, left] = [panel.frame.top + y * panel.frame.height, panel.frame.left + x * panel.frame.width];
    }
    this.store.set({ view: zoomed(this.store.state.view, factor, panel.box, this.board.shape(), top, left) });
  }

  whole() {
    this.store.set({ view: { zoom: 1, y: 0.5, x: 0.5 } });
  }

  brushing(place, done) {
    this.brush = done ? null : place;
    if (done) this.store.set({ asked: place, held: true });
    this.schedule();
  }

  hold() {
    const { held, asked, cursor } = this.store.state;
    if (held) this.release();
    else this.store.set({ held: true, asked: asked || cursor });
  }

  release() {
    const { asked, cursor, held } = this.store.state;
    if (held) this.store.set({ held: false, asked: asked && asked.region ? cursor : asked });
  }

  flip() {
    const { compare } = this.store.state;
    this.store.set({ compare: { open: true, how: "flip", flipped: compare.how === "flip" && compare.open && !compare.flipped } });
  }

  compare() {
    this.store.set({ compare: { open: !this.store.state.compare.open } });
  }

  split(part) {
    this.store.set({ compare: { split: part } });
  }

  toggleSide() {
    this.sideOpen = !this.sideOpen;
    this.schedule();
  }

  help() {
    showKeys(this.root);
  }

  save(panel, form) {
    if (!panel.figure || !panel.figure.image) this.notices.say("There is nothing to save yet.", true);
    else saveFigure(form, panel.figure, this.board.base(), this.store.state);
  }

  network(id) {
    return this.session.networks.find((network) => network.id === id);
  }

  // What goes wrong.

  failed(error) {
    if (error.name === "AbortError") return;
    if (error instanceof Unreachable) this.connection.lost();
    else if (!this.session || error.status === 401) this.notices.warn(sentenceOf(error));
    else {
      this.notices.say(sentenceOf(error), true);
      if (error.status === 410) this.opening.gone();
    }
  }

  again(session) {
    this.notices.warn(null);
    if (!this.session) {
      this.build(session);
      return;
    }
    this.session.pictures = session.pictures;
    const { state } = this.store;
    if (!session.pictures.some(({ id }) => id === state.picture)) this.opening.open(session.pictures[0].id);
    this.notices.say("The server is back.");
    this.data.again();
  }
}
