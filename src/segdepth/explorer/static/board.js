import { element } from "./dom.js";
import { answerFigure, compareFigure, greyPicture, mapFigure, Memory, pictureFigure } from "./figures.js";
import { arrange } from "./layout.js";
import { pinText } from "./marks.js";
import { Panel } from "./panel.js";
import { placeText } from "./places.js";
import { frameOf } from "./view.js";
import { explainedText } from "./writing.js";

/** Pixels around all panels. */
const MARGIN = 8;

/** Kinds of panels one below the other, where the picture stays in view. */
const NARROW_ORDER = ["picture", "map", "compare", "answer", "truth"];

/** All panels, which share one view, one cursor and one place that is asked about. */
export class Board {
  /** @param {Explorer} app */
  constructor(app) {
    this.app = app;
    this.memory = new Memory();
    this.known = new Map();
    this.panels = [];
    this.element = element("div.board", {});
    this.arranged = "";
  }

  /** Give the keys to the picture. */
  focus() {
    this.render();
    if (this.panels.length) this.panels[0].canvas.focus({ preventScroll: true });
  }

  /** @returns {Panel|undefined} the panel whose canvas has the keys. */
  focused() {
    return this.panels.find(({ canvas }) => canvas === document.activeElement);
  }

  /** @returns {number[]|null} [h, w] in which places are counted, and the arrow keys move: the first network's. */
  size() {
    const answer = this.app.data.leading();
    return answer ? answer.head.size : null;
  }

  /** @returns {number[]} [h, w] of the picture. */
  shape() {
    const { picture } = this.app.data;
    return picture ? picture.arrays.image.shape.slice(0, 2) : [1, 2];
  }

  /** @returns {HTMLCanvasElement|null} the picture that lies under maps. */
  base() {
    const { picture } = this.app.data;
    return picture ? greyPicture(this.memory, picture) : null;
  }

  specs(state) {
    const { app } = this;
    const specs = [{ id: "picture", kind: "picture", network: null, section: 0, label: "Picture: point at a pixel" }];
    if (state.compare.open) specs.push({ id: "compare", kind: "compare", network: null, section: 0, label: "Two maps compared" });
    for (const [kind, section] of [["map", 1], ["answer", 2], ["truth", 3]]) {
      if (!state.show[kind]) continue;
      for (const network of kind === "truth" ? this.withTruths(state) : state.networks) {
        specs.push({ id: `${kind} ${network}`, kind, network, section, label: `${app.network(network).name}: ${kind}` });
      }
    }
    return this.app.narrow ? specs.sort((a, b) => NARROW_ORDER.indexOf(a.kind) - NARROW_ORDER.indexOf(b.kind)) : specs;
  }

  /** The first network of each kind of truth: all networks of a kind have the same one. */
  withTruths({ networks }) {
    const formOf = (network) => {
      const answer = this.app.data.answer(network);
      return answer && answer.head.truth ? JSON.stringify(answer.head.truth) : null;
    };
    const forms = networks.map(formOf);
    return networks.filter((_, index) => forms[index] !== null && forms.indexOf(forms[index]) === index);
  }

  arrange(specs) {
    const box = [this.element.clientHeight - 2 * MARGIN, this.element.clientWidth - 2 * MARGIN];
    const text = JSON.stringify([specs, box, this.shape()]);
    if (text === this.arranged || box[0] <= 0) return;
    this.arranged = text;
    const before = this.panels.map((panel) => panel.element);
    this.panels = specs.map((spec) => {
      if (!this.known.has(spec.id)) this.known.set(spec.id, new Panel(spec, this.wishes()));
      return this.known.get(spec.id);
    });
    const now = this.panels.map((panel) => panel.element);
    if (now.length !== before.length || now.some((panel, index) => panel !== before[index])) this.element.replaceChildren(...now);
    const { columns, heights, cells } = arrange(specs, box, this.shape());
    this.element.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    this.element.style.gridTemplateRows = heights.map((height) => `${Math.floor(height)}px`).join(" ");
    this.panels.forEach(({ element: panel }, index) => {
      panel.classList.toggle("tight", cells[index].tight);
      panel.style.gridRow = String(cells[index].row + 1);
      panel.style.gridColumn = `${cells[index].column + 1} / span ${cells[index].span}`;
    });
  }

  wishes() {
    const { app } = this;
    return {
      frame: (box) => frameOf(app.store.state.view, box, this.shape()),
      point: (place, panel) => app.point(place, panel),
      pin: (place, panel) => app.pin(place, panel),
      leave: () => app.leave(),
      pull: (down, right, panel) => app.pull(down, right, panel),
      zoom: (factor, top, left, panel) => app.zoom(factor, top, left, panel),
      brush: (place, done) => app.brushing(place, done),
      pulls: () => app.pulls(),
      split: (part) => app.split(part),
      save: (panel, form) => app.save(panel, form),
    };
  }

  /** Draw everything that the state says. */
  render() {
    const { state } = this.app.store;
    this.arrange(this.specs(state));
    const over = { base: this.base(), size: this.shape(), brush: this.app.brush };
    for (const panel of this.panels) {
      panel.fit();
      const fields = panel.network && panel.kind !== "truth" ? this.app.data.fields(panel.network) : null;
      panel.draw(this.figure(panel, state), state, { ...over, fields });
    }
    if (this.panels.length) {
      this.panels[0].mark(state, this.size(), { select: (pin) => this.app.select(pin), remove: (pin) => this.app.unpin(pin) });
    }
  }

  figure({ kind, network }, state) {
    const { data } = this.app;
    if (kind === "picture") {
      if (data.picture) return pictureFigure(this.memory, data.picture);
      const problem = data.refused.get(state.picture);
      return { title: "Picture", problem, busy: !problem };
    }
    if (kind === "compare") return this.compared(state);
    const { name } = this.app.network(network);
    const answer = data.answer(network);
    const none = { title: `${name} · ${kind}`, size: answer && answer.head.size, problem: data.problem(network) };
    if (answer === null) return { ...none, badge: "computing the answer …", busy: !none.problem };
    if (kind !== "map") return answerFigure(this.memory, this.app.network(network), answer, kind === "truth");
    const { map, exact } = data.map(network);
    if (map === null) return { ...none, badge: "computing the map …", busy: true };
    const figure = mapFigure(this.memory, network, map, state.colours, this.app.tables);
    figure.title = `${name} · ${explainedText(this.app.network(network), map.head)}`;
    if (exact && map.head.exact) return figure;
    const { row, column, region } = map.head;
    const [height, width] = map.size;
    const at = pinText({ row, column, region, height, width }, this.size());
    const nearest = region ? null : { row, column, height, width };
    return { ...figure, nearest, dim: !exact, busy: !exact, badge: `nearest computed: ${at}`, problem: none.problem };
  }

  compared(state) {
    const sides = [state.compare.a, state.compare.b].map((text, index) => {
      const map = this.app.data.side(text);
      const [network] = text.split("|");
      const own = map !== null && network in this.app.data.lanes && this.app.data.map(network).map === map;
      return { text, map, name: this.sideName(text), slot: own ? network : `side ${index}` };
    });
    const names = `A ${sides[0].name}, B ${sides[1].name}`;
    if (sides.some(({ map }) => map === null)) return { title: names, badge: "computing the maps …", busy: true };
    const figure = compareFigure(this.memory, sides[0], sides[1], state, this.app.tables);
    const flipped = state.compare.how === "flip" ? `: ${state.compare.flipped ? "B" : "A"}` : "";
    const dim = sides.some(({ text, map }) => text.endsWith("|here") && !this.isHere(text, map));
    return { ...figure, title: names + flipped, dim, badge: dim ? "of the nearest computed maps" : null };
  }

  isHere(text, map) {
    const [network, model] = text.split("|");
    return model !== "" || this.app.data.map(network).map !== map || this.app.data.map(network).exact;
  }

  /**
   * A side of a comparison for people.
   *
   * @param {string} text - of `sideText`.
   * @returns {string}
   */
  sideName(text) {
    const [id, model, where] = text.split("|");
    const network = this.app.network(id);
    const name = network ? network.name : id;
    if (model === "edges") return "edges of the picture";
    const { pins } = this.app.store.state;
    const pin = pins.findIndex((place) => placeText(place) === where);
    return [name, model, pin >= 0 ? `at pin ${pin + 1}` : ""].filter(Boolean).join(" ");
  }

  /** @returns {string} what a person hears who cannot see the panels. */
  spoken() {
    const { state } = this.app.store;
    if (!state.cursor) return "";
    const answers = this.panels.filter(({ kind, figure }) => kind === "answer" && figure && figure.read);
    const words = answers.map(({ network, figure }) => `${this.app.network(network).name}: ${figure.read(state.cursor)}`);
    return [pinText(state.cursor, this.size()), ...words].join("; ");
  }
}
