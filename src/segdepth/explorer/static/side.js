import { button, choice, element, folded, tickbox } from "./dom.js";
import { pinText } from "./marks.js";
import { colourSection, compareSection } from "./side_colours.js";
import { fieldSection, maskSection, studySection } from "./side_more.js";
import { numberText } from "./writing.js";

/**
 * The panel of controls.
 *
 * @param {Explorer} app
 * @returns {{element: HTMLElement, update: function(Object)}}
 */
export function sidePanel(app) {
  const { can } = app.session;
  const sections = [networkSection(app), pinSection(app), compareSection(app), colourSection(app)];
  if (can.mask) sections.push(maskSection(app));
  if (can.fields) sections.push(fieldSection(app));
  if (can.study) sections.push(studySection(app));
  const side = element("aside.side", { "aria-label": "Controls" }, sections.map((section) => section.element));
  return {
    element: side,
    update(state) {
      side.hidden = !app.sideOpen;
      if (!side.hidden) for (const section of sections) section.update(state);
    },
  };
}

function networkSection(app) {
  const cards = app.session.networks.map((network) => networkCard(app, network));
  const ticks = Object.fromEntries(
    ["answer", "truth", "map"].map((kind) => [
      kind,
      tickbox(`${kind[0].toUpperCase()}${kind.slice(1)}s`, true, (ticked) => app.store.set({ show: { [kind]: ticked } })),
    ]),
  );
  const show = element("div.ticks", { role: "group", "aria-label": "Panels" }, Object.values(ticks));
  return {
    element: folded("Networks", true, cards.map((card) => card.element), show),
    update(state) {
      for (const card of cards) card.update(state);
      for (const [kind, tick] of Object.entries(ticks)) tick.firstChild.checked = state.show[kind];
    },
  };
}

function networkCard(app, network) {
  const { store } = app;
  const shown = tickbox(network.name, true, (ticked) => {
    const others = store.state.networks.filter((id) => id !== network.id);
    const most = others.length + (ticked ? 1 : 0);
    if (most < 1 || most > app.session.limits.networks) store.listeners.length && app.schedule();
    else store.set({ networks: app.session.networks.map(({ id }) => id).filter((id) => others.includes(id) || (ticked && id === network.id)) });
  });
  const target = targetChoice(app, network);
  const model = network.models.length > 1
    ? choice(
      network.models.map((value) => ({ value, text: value })), network.models[0],
      (value) => store.set({ models: { [network.id]: value } }), { "aria-label": `${network.name}: weights` },
    )
    : null;
  const numbers = element("dl.statistics");
  const statistics = element("dl.statistics.long");
  const more = element("details.more", { hidden: true }, element("summary", {}, "Statistics of this map"), statistics);
  const about = element("p.quiet", { title: network.source });
  const card = element("div.card", {}, element("div.head", {}, shown, about), element("div.pair", {}, target.element, model), numbers, more);
  return {
    element: card,
    update(state) {
      const isShown = state.networks.includes(network.id);
      shown.firstChild.checked = isShown;
      card.classList.toggle("off", !isShown);
      target.update(state);
      if (model) model.value = state.models[network.id];
      const answer = app.data.answer(network.id);
      const size = answer ? answer.head.size : network.size;
      about.textContent = size ? size.join(" × ") : "";
      const { map, exact } = isShown ? app.data.map(network.id) : { map: null, exact: false };
      for (const one of [numbers, statistics]) one.classList.toggle("dim", !exact);
      if (card.map === map) return;
      card.map = map;
      fill(numbers, map ? { value: map.head.value, peak: map.head.peak } : {});
      fill(statistics, map ? map.head.statistics || {} : {});
      more.hidden = !statistics.children.length;
    },
  };
}

function fill(into, numbers) {
  const known = Object.entries(numbers).filter(([, value]) => typeof value === "number");
  into.replaceChildren(...known.flatMap(([name, value]) => [
    element("dt", {}, name.replaceAll("_", " ")), element("dd", {}, numberText(value)),
  ]));
}

function targetChoice(app, network) {
  const margin = network.classes && network.classes.length > 1;
  const options = [...network.targets, ...(margin ? [{ value: ":", text: "margin of two classes" }] : [])];
  const set = (value) => app.store.set({ targets: { [network.id]: value } });
  const names = (network.classes || []).map(({ name }) => ({ value: name, text: name }));
  const both = () => set(`${first.value}:${second.value}`);
  const select = choice(options, options[0].value, (value) => (value === ":" ? both() : set(value)), {
    "aria-label": `${network.name}: what is explained`,
  });
  const first = choice(names, names.length ? names[0].value : "", both, { "aria-label": `${network.name}: class` });
  const second = choice(names, names.length > 1 ? names[1].value : "", both, { "aria-label": `${network.name}: less class` });
  const pair = element("div.margin", { hidden: true }, first, element("span", {}, "less"), second);
  return {
    element: element("div.target", {}, select, pair),
    update(state) {
      const value = state.targets[network.id];
      const known = network.targets.some((target) => target.value === value);
      const isMargin = Boolean(margin) && !known && value.includes(":");
      select.value = isMargin ? ":" : value;
      pair.hidden = !isMargin;
      if (isMargin) [first.value, second.value] = value.split(":");
    },
  };
}

function pinSection(app) {
  const list = element("ol.pins");
  const here = button("Pin this position", () => app.pin());
  const empty = element("p.quiet", {}, "Click in the picture, or press Enter, to keep a position.");
  const fold = folded("Pins", true, list, empty, here);
  let last = "";
  return {
    element: fold,
    update({ pins }) {
      const size = app.board.size();
      const now = JSON.stringify([size, pins]);
      if (now === last) return;
      last = now;
      empty.hidden = pins.length > 0;
      list.replaceChildren(...pins.map((pin, index) => element(
        "li", {},
        button(`${index + 1}   ${pinText(pin, size)}`, () => app.select(pin), { class: "plain" }),
        button("✕", () => app.unpin(pin), { "aria-label": `Remove pin ${index + 1}`, class: "icon" }),
      )));
    },
  };
}
