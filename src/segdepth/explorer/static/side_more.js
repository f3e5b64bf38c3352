import { button, choice, element, folded, labelled, slider, svgElement, tickbox } from "./dom.js";
import { askJson } from "./source.js";
import { numberText } from "./writing.js";

function networkChoice(app, choose) {
  const select = choice([], "", choose);
  return {
    select,
    update({ networks }) {
      const now = networks.join();
      if (select.dataset.now === now) return;
      const value = select.value;
      select.dataset.now = now;
      select.replaceChildren(...networks.map((id) => element("option", { value: id }, app.network(id).name)));
      if (networks.includes(value)) select.value = value;
    },
  };
}

/**
 * The picture without what is salient, or with nothing else.
 *
 * @param {Explorer} app
 * @returns {{element: HTMLElement, update: function(Object)}}
 */
export function maskSection(app) {
  const network = networkChoice(app, () => {});
  let part = 0.05;
  const share = slider("Largest pixels", { min: 0.01, max: 0.5, step: 0.01 }, part, (value) => (part = value), (value) => `${Math.round(value * 100)} %`);
  const act = (action) => () => app.opening.mask(network.select.value, action, part);
  const back = button("Back to the original", () => app.opening.back(), { hidden: true });
  const actions = element("div.pair", {}, button("Delete them", act("delete")), button("Keep only them", act("keep")));
  return {
    element: folded("Mask", false, labelled("Map of", network.select), share, actions, back),
    update(state) {
      network.update(state);
      back.hidden = state.original === null;
    },
  };
}

/**
 * Receptive fields.
 *
 * @param {Explorer} app
 * @returns {{element: HTMLElement, update: function(Object)}}
 */
export function fieldSection(app) {
  const set = (name) => (ticked) => app.store.set({ fields: { [name]: ticked } });
  const theoretical = tickbox("Theoretical, a box", false, set("theoretical"));
  const effective = tickbox("Effective, circles by share", false, set("effective"));
  return {
    element: folded("Receptive field", false, theoretical, effective),
    update({ fields }) {
      theoretical.firstChild.checked = fields.theoretical;
      effective.firstChild.checked = fields.effective;
    },
  };
}

/**
 * How this map's statistics stand among those of a study.
 *
 * @param {Explorer} app
 * @returns {{element: HTMLElement, update: function(Object)}}
 */
export function studySection(app) {
  const network = networkChoice(app, () => app.schedule());
  const figures = element("div.histograms");
  const note = element("p.quiet");
  const fold = folded("Study", false, labelled("Network", network.select), note, figures);
  const studies = new Map();
  let shown = null;
  const load = async (id) => {
    studies.set(id, null);
    try {
      studies.set(id, (await askJson(app.source, "api/study", { network: id })) || {});
    } catch (error) {
      studies.delete(id);
      app.failed(error);
    }
    app.schedule();
  };
  fold.addEventListener("toggle", () => app.schedule());
  return {
    element: fold,
    update(state) {
      network.update(state);
      const id = network.select.value;
      if (!fold.open || !id) return;
      if (!studies.has(id)) load(id);
      const study = studies.get(id);
      const { map, exact } = state.networks.includes(id) ? app.data.map(id) : { map: null, exact: false };
      if (shown && shown.study === study && shown.map === map) return;
      shown = { study, map };
      if (!study || !study.statistics) {
        note.textContent = study === null ? "Asking for the study …" : "No study of this network is on disk.";
        figures.replaceChildren();
        return;
      }
      note.textContent = `${study.name}: ${study.targets} targets. The mark is this map${exact ? "" : " (nearest computed)"}.`;
      const found = map ? map.head.statistics : {};
      figures.replaceChildren(...Object.entries(study.statistics).map(([name, one]) => histogram(name, one, found[name])));
    },
  };
}

/**
 * A small histogram with a mark.
 *
 * @param {string} name
 * @param {{edges: number[], counts: number[], mean: number}} statistic
 * @param {number|undefined} value - that is marked.
 * @returns {HTMLElement}
 */
export function histogram(name, { edges, counts, mean }, value) {
  const most = Math.max(...counts, 1);
  const [low, high] = [edges[0], edges[edges.length - 1]];
  const across = (number) => (100 * (number - low)) / (high - low || 1);
  const svg = svgElement("svg", { viewBox: "0 0 100 28", preserveAspectRatio: "none", "aria-hidden": "true" });
  counts.forEach((count, index) => {
    const [left, right] = [across(edges[index]), across(edges[index + 1])];
    const height = (26 * count) / most;
    svg.append(svgElement("rect", { x: left, y: 28 - height, width: Math.max(right - left - 0.4, 0.2), height }));
  });
  const isThere = typeof value === "number";
  if (isThere) {
    const at = Math.min(Math.max(across(value), 0), 100);
    svg.append(svgElement("line", { x1: at, x2: at, y1: 0, y2: 28, class: "mark" }));
  }
  const text = isThere ? `${numberText(value)}, mean ${numberText(mean)}` : `mean ${numberText(mean)}`;
  return element("figure.histogram", {}, element("figcaption", {}, element("span", {}, name.replaceAll("_", " ")), element("span", {}, text)), svg);
}
