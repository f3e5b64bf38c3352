import { button, choice, element, folded, labelled, slider, tickbox } from "./dom.js";
import { sideText } from "./state.js";
import { placeText } from "./places.js";

/**
 * Two maps compared.
 *
 * @param {Explorer} app
 * @returns {{element: HTMLElement, update: function(Object)}}
 */
export function compareSection(app) {
  const { store } = app;
  const set = (compare) => store.set({ compare });
  const open = tickbox("Show the comparison", true, (ticked) => set({ open: ticked }));
  const [a, b] = ["a", "b"].map((name) => choice([], "", (value) => set({ open: true, [name]: value })));
  const ways = { slider: "Slider", flip: "Flip", difference: "Difference", overlap: "Overlap" };
  const buttons = Object.entries(ways).map(([how, text]) =>
    button(text, () => set({ open: true, how }), { "data-how": how, title: how === "flip" ? "f flips" : "" }),
  );
  const group = element("div.choices", { role: "group", "aria-label": "How they are compared" }, buttons);
  const share = slider("Largest pixels", { min: 0.01, max: 0.5, step: 0.01 }, store.state.compare.share, (value) => set({ share: value }), percent);
  const result = element("p.result", { role: "status" });
  const legends = {
    overlap: element("p.legend", {}, element("i.both"), "both ", element("i.first"), "A only ", element("i.second"), "B only"),
    difference: element("p.legend", {}, element("i.more"), "more in A ", element("i.less"), "more in B"),
  };
  let last = "";
  return {
    element: folded("Compare", true, open, labelled("A", a), labelled("B", b), group, share, Object.values(legends), result),
    update(state) {
      const options = sidesOf(app, state);
      const now = JSON.stringify([options, state.compare.a, state.compare.b]);
      if (now !== last) {
        last = now;
        for (const [name, select] of [["a", a], ["b", b]]) {
          select.replaceChildren(...options.map(({ value, text }) => element("option", { value }, text)));
          select.value = state.compare[name];
        }
      }
      open.firstChild.checked = state.compare.open;
      for (const pressed of buttons) pressed.setAttribute("aria-pressed", String(pressed.dataset.how === state.compare.how));
      const panel = app.board.panels.find(({ kind }) => kind === "compare");
      const figure = panel && panel.figure;
      const text = figure && figure.iou !== undefined && !Number.isNaN(figure.iou) ? `IoU ${figure.iou.toFixed(3)}` : "";
      if (result.textContent !== text) result.textContent = text;
      for (const [how, legend] of Object.entries(legends)) legend.hidden = state.compare.how !== how;
    },
  };
}

function sidesOf(app, { networks, models, pins }) {
  const sides = [];
  for (const id of networks) {
    const { name, models: known } = app.network(id);
    const add = (model, where, text) => sides.push({ value: sideText(id, model, where), text: [name, ...text].join(" ") });
    add("", "here", []);
    for (const model of known) if (model !== models[id]) add(model, "here", [`with ${model} weights`]);
    pins.forEach((pin, index) => add("", placeText(pin), [`at pin ${index + 1}`]));
  }
  if (app.session.can.edges !== false) sides.push({ value: sideText(networks[0], "edges", "here"), text: "edges of the picture" });
  return sides;
}

function percent(value) {
  return `${Number((value * 100).toFixed(1))} %`;
}

/**
 * How maps are coloured.
 *
 * @param {Explorer} app
 * @returns {{element: HTMLElement, update: function(Object)}}
 */
export function colourSection(app) {
  const { session, store } = app;
  const { colours } = store.state;
  const set = (name) => (value) => store.set({ colours: { [name]: value } });
  const maps = Object.keys(session.colour_maps).map((name) => ({ value: name, text: name }));
  const map = choice(maps, colours.map, set("map"));
  const bar = element("canvas.scale", { width: 256, height: 1, "aria-hidden": "true" });
  const log = tickbox("Logarithm (4 decades)", colours.log, set("log"));
  const patches = [1, ...new Set([...session.networks.map(({ patch }) => patch).filter(Boolean), 8, 16, 32])].sort((x, y) => x - y);
  const patch = choice(
    patches.map((side) => ({ value: String(side), text: side === 1 ? "single pixels" : `sums of ${side} × ${side}` })),
    String(colours.patch), (value) => store.set({ colours: { patch: Number(value) } }),
  );
  const sliders = {
    opacity: slider("Opacity", { min: 0, max: 1, step: 0.01 }, colours.opacity, set("opacity"), percent),
    clip: slider("Full at percentile", { min: 90, max: 100, step: 0.1 }, colours.clip, set("clip"), (value) => value.toFixed(1)),
    outline: slider("Outline of largest", { min: 0, max: 0.5, step: 0.01 }, colours.outline, set("outline"), (value) => (value ? percent(value) : "off")),
  };
  let drawn = "";
  return {
    element: folded("Colours", true, labelled("Colour map", map), bar, Object.values(sliders), labelled("Patches", patch), log),
    update({ colours: now }) {
      map.value = now.map;
      patch.value = String(now.patch);
      log.firstChild.checked = now.log;
      for (const [name, field] of Object.entries(sliders)) {
        const input = field.querySelector("input");
        if (Number(input.value) === now[name]) continue;
        input.value = now[name];
        field.querySelector("output").textContent = name === "clip" ? now.clip.toFixed(1) : now[name] || name === "opacity" ? percent(now[name]) : "off";
      }
      if (drawn === now.map) return;
      drawn = now.map;
      const image = new ImageData(256, 1);
      app.tables[now.map].forEach((value, index) => (image.data[Math.floor(index / 3) * 4 + (index % 3)] = value));
      for (let i = 3; i < 1024; i += 4) image.data[i] = 255;
      bar.getContext("2d").putImageData(image, 0, 0);
    },
  };
}
