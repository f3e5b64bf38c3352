import { button, element } from "./dom.js";
import { drawCross, drawFields, drawNearest, drawPin, drawRegion, pinText, SQUARES } from "./marks.js";
import { middleOf, placeText } from "./places.js";
import { placeAt } from "./view.js";
import { listenToPointer } from "./pointer.js";

/** A panel: a line with title and value, and a canvas. */
export class Panel {
  /**
   * @param {{id: string, kind: string, network: string|null, label: string}} spec
   * @param {Object} on - `point(place, panel)`, `leave(panel)`, `pin(place)`, `pull(down, right, panel)`, `zoom(factor, top, left, panel)`,
   *   `brush(place, done)`, `pulls()`, `split(part)`, `save(panel, form)`, `frame(box)`.
   */
  constructor(spec, on) {
    Object.assign(this, spec);
    this.on = on;
    this.figure = null;
    this.box = [1, 1];
    this.drawn = [];
    this.canvas = element("canvas", { tabindex: "0", role: "application", "aria-label": spec.label });
    this.title = element("h2");
    this.value = element("output.value", { for: "" });
    this.badge = element("p.badge", { hidden: true });
    this.note = element("p.note", { hidden: true });
    this.marks = element("div.marks");
    this.above = element("canvas.above", { "aria-hidden": "true" });
    this.stage = element("div.stage", {}, this.canvas, this.above, this.badge, this.note, this.marks);
    this.element = element(
      `section.panel.${spec.kind}`,
      { "aria-label": spec.label, "data-panel": spec.id },
      element("header", {}, this.title, this.value, this.saving()),
      this.stage,
    );
    listenToPointer(this.canvas, {
      point: (top, left) => this.at(top, left, (place) => on.point(place, this), () => on.leave(this)),
      pin: (top, left) => this.at(top, left, (place) => on.pin(place, this)),
      leave: () => on.leave(this),
      pull: (down, right) => on.pull(down, right, this),
      zoom: (factor, top, left) => on.zoom(factor, top, left, this),
      brush: (from, to, done) => this.brushed(from, to, done),
      pulls: () => on.pulls(),
    });
    if (spec.kind === "compare") this.listenToSplit();
  }

  /** @returns {Object} where the whole picture lies by now, drawn or not. */
  get frame() {
    return this.on.frame(this.box);
  }

  saving() {
    const forms = ["png", "svg", "npy"].map((form) =>
      button(form.toUpperCase(), () => {
        menu.open = false;
        this.on.save(this, form);
      }),
    );
    const menu = element(
      "details.menu", {}, element("summary", { "aria-label": `Save: ${this.label}`, title: "Save" }, "⤓"), element("div", {}, forms),
    );
    return menu;
  }

  listenToSplit() {
    this.handle = element("input.split", { type: "range", min: 0, max: 1, step: 0.002, "aria-label": "Where the first map ends" });
    this.handle.addEventListener("input", () => this.on.split(Number(this.handle.value)));
    this.stage.append(this.handle);
  }

  at(top, left, then, otherwise = () => {}) {
    const place = this.figure && this.figure.size ? placeAt(this.frame, this.figure.size, top, left) : null;
    if (place) then(place);
    else otherwise();
  }

  brushed(from, to, done) {
    if (!this.figure || !this.figure.size) return;
    const [height, width] = this.figure.size;
    const corner = ([top, left]) => [
      Math.min(Math.max(Math.floor(((top - this.frame.top) / this.frame.height) * height), 0), height - 1),
      Math.min(Math.max(Math.floor(((left - this.frame.left) / this.frame.width) * width), 0), width - 1),
    ];
    const [[r0, c0], [r1, c1]] = [corner(from), corner(to)];
    const region = [Math.min(r0, r1), Math.min(c0, c1), Math.max(r0, r1) + 1, Math.max(c0, c1) + 1];
    this.on.brush({ region, height, width }, done);
  }

  /** Fit the canvas to its place on the screen. */
  fit() {
    const { clientHeight: height, clientWidth: width } = this.stage;
    const scale = window.devicePixelRatio || 1;
    this.box = [height, width];
    this.scale = scale;
    const [down, across] = [Math.round(height * scale), Math.round(width * scale)];
    if (this.canvas.width === across && this.canvas.height === down) return;
    for (const canvas of [this.canvas, this.above]) [canvas.width, canvas.height] = [across, down];
    this.drawn = [];
  }

  /**
   * Draw a figure with what lies over it.
   *
   * @param {Object} figure
   * @param {Object} state
   * @param {Object} over - `{base, size, brush, fields}`: the picture under maps, its size, a region that is being brushed, fields.
   */
  draw(figure, state, over) {
    this.figure = figure;
    this.title.textContent = figure.title;
    this.title.title = figure.title;
    write(this.badge, figure.problem || figure.badge);
    this.badge.classList.toggle("problem", Boolean(figure.problem));
    write(this.note, figure.note);
    this.element.classList.toggle("dim", Boolean(figure.dim));
    this.element.setAttribute("aria-busy", String(Boolean(figure.busy)));
    this.value.textContent = state.cursor && figure.read ? figure.read(state.cursor) : "";
    this.value.title = this.value.textContent;
    this.drawBelow(figure, over.base);
    if (this.handle) this.placeHandle(figure);
    this.drawAbove(this.cleared(this.above), figure, state, over);
  }

  cleared(canvas) {
    const drawn = canvas.getContext("2d");
    drawn.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    drawn.clearRect(0, 0, this.box[1], this.box[0]);
    return drawn;
  }

  /** The pictures, which are drawn again only where they changed: moving the pointer draws what is above them. */
  drawBelow(figure, base) {
    const { image, second, opacity, outline, dim, split } = figure;
    const parts = [image, second && second.image, second && second.outline, opacity, outline, dim, split, base, ...Object.values(this.frame)];
    if (parts.length === this.drawn.length && parts.every((part, index) => part === this.drawn[index])) return;
    this.drawn = parts;
    const drawn = this.cleared(this.canvas);
    if (opacity !== undefined && base) this.image(drawn, base, 1);
    this.layers(drawn, figure);
  }

  drawAbove(drawn, figure, state, over) {
    const size = figure.size || over.size;
    if (over.fields) drawFields(drawn, this.frame, this.box, over.fields);
    for (const place of [over.brush, state.asked]) if (place && place.region) drawRegion(drawn, this.frame, place, place === over.brush);
    if (figure.nearest) drawNearest(drawn, this.frame, figure.nearest);
    if (state.asked && !state.asked.region) drawCross(drawn, this.frame, state.asked, size, true);
    const reads = state.cursor && (!state.asked || placeText(state.cursor) !== placeText(state.asked));
    if (reads) drawCross(drawn, this.frame, state.cursor, size, false);
    for (const [index, pin] of state.pins.entries()) drawPin(drawn, this.frame, pin, index + 1);
  }

  layers(drawn, figure) {
    if (!figure.image) return;
    const opacity = (figure.opacity === undefined ? 1 : figure.opacity) * (figure.dim ? 0.6 : 1);
    if (!figure.second) {
      this.image(drawn, figure.image, opacity);
      this.outline(drawn, figure);
      return;
    }
    const at = this.frame.left + figure.split * this.frame.width;
    for (const [part, left, right] of [[figure, 0, at], [figure.second, at, this.box[1]]]) {
      drawn.save();
      drawn.beginPath();
      drawn.rect(left, 0, right - left, this.box[0]);
      drawn.clip();
      this.image(drawn, part.image, opacity);
      this.outline(drawn, part);
      drawn.restore();
    }
    drawn.fillStyle = "#fff";
    drawn.fillRect(at - 0.75, 0, 1.5, this.box[0]);
  }

  image(drawn, image, opacity) {
    const { top, left, height, width } = this.frame;
    drawn.globalAlpha = opacity;
    drawn.imageSmoothingEnabled = width / image.width < SQUARES;
    drawn.drawImage(image, left, top, width, height);
    drawn.globalAlpha = 1;
  }

  outline(drawn, { outline, size }) {
    if (!outline) return;
    drawn.save();
    drawn.translate(this.frame.left, this.frame.top);
    drawn.scale(this.frame.width / size[1], this.frame.height / size[0]);
    drawn.lineWidth = (1.5 * size[1]) / this.frame.width;
    drawn.strokeStyle = "#fff";
    drawn.stroke(new Path2D(outline));
    drawn.restore();
  }

  placeHandle(figure) {
    this.handle.hidden = !figure.second;
    if (!figure.second) return;
    const { left, width } = this.frame;
    this.handle.value = figure.split;
    this.handle.style.left = `${left - 8}px`;
    this.handle.style.width = `${width + 16}px`;
  }

  /**
   * Buttons that lie on the picture, one for each pin.
   *
   * @param {Object} state
   * @param {number[]|null} size - [h, w] in which places are counted.
   * @param {{select: function(Object): void, remove: function(Object): void}} on
   */
  mark(state, size, on) {
    const texts = JSON.stringify([size, ...state.pins]);
    if (texts !== this.marked) {
      this.marked = texts;
      const active = [...this.marks.children].indexOf(document.activeElement);
      this.marks.replaceChildren(...state.pins.map((pin, index) => {
        const mark = button("", () => on.select(pin), { "aria-label": `Pin ${index + 1}, ${pinText(pin, size)}`, class: "mark" });
        mark.addEventListener("focus", () => on.select(pin));
        mark.addEventListener("keydown", (event) => ["Delete", "Backspace"].includes(event.key) && on.remove(pin));
        return mark;
      }));
      if (active >= 0) (this.marks.children[Math.min(active, state.pins.length - 1)] || this.canvas).focus();
    }
    state.pins.forEach((pin, index) => {
      const [y, x] = middleOf(pin);
      const mark = this.marks.children[index];
      mark.style.top = `${this.frame.top + y * this.frame.height}px`;
      mark.style.left = `${this.frame.left + x * this.frame.width}px`;
    });
  }
}

function write(line, text) {
  line.hidden = !text;
  if (line.textContent !== (text || "")) line.textContent = text || "";
}
