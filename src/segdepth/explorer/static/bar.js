import { button, choice, element } from "./dom.js";
import { copyLink, showCode } from "./sharing.js";

/** Pixels of the screen, across, in which all of the bar has one line. */
const ROOMY = 920;

/**
 * The line above the panels: what is looked at, and what can be taken away.
 *
 * @param {Object} app
 * @returns {{element: HTMLElement, update: function(Object)}}
 */
export function topBar(app) {
  const { session, store } = app;
  const picture = element("select", { "aria-label": "Picture", onchange: () => app.opening.open(picture.value) });
  const file = element("input", { type: "file", accept: "image/*", hidden: true, "aria-label": "Picture from this computer" });
  file.addEventListener("change", () => {
    if (file.files.length) app.opening.send(file.files[0]);
    file.value = "";
  });
  const method = choice(session.methods, store.state.method, (value) => store.set({ method: value }), { "aria-label": "Method" });
  const hold = button("Hold", () => app.hold(), { title: "Hold the map, so that pointing only reads values (h)", "aria-pressed": "false" });
  const back = button("Back to the original", () => app.opening.back(), { hidden: true, class: "strong" });
  const themes = { auto: "◐", light: "☀", dark: "☾" };
  const theme = button("", () => {
    const names = Object.keys(themes);
    store.set({ theme: names[(names.indexOf(store.state.theme) + 1) % names.length] });
  }, { class: "icon" });
  const controls = button("Controls", () => app.toggleSide(), { "aria-expanded": "true", class: "controls" });
  const bar = element(
    "header.bar", {},
    element("h1", {}, "segdepth", element("span", {}, " explorer")),
    picture,
    session.can.drop ? button("Open …", () => file.click(), { title: "A picture of yours; or drop or paste one anywhere" }) : null,
    file,
    back,
    element("span.gap"),
    controls,
  );
  const actions = element(
    "div.actions", {},
    method,
    hold,
    app.options.whole ? button("Copy link", () => copyLink(app), { title: "An address that restores all of this" }) : null,
    session.can.code === false ? null : button("Code", () => showCode(app), { title: "This map as Python and as a command" }),
    theme,
    button("?", () => app.help(), { class: "icon", "aria-label": "Keys", title: "Keys (?)" }),
  );
  return {
    element: bar,
    update(state, sideOpen) {
      const isTight = app.root.clientWidth < ROOMY;
      if (isTight && actions.parentNode !== app.side.element) app.side.element.prepend(actions);
      else if (!isTight && actions.parentNode !== bar) controls.before(actions);
      const texts = JSON.stringify(session.pictures);
      if (picture.dataset.texts !== texts) {
        picture.dataset.texts = texts;
        picture.replaceChildren(...session.pictures.map(({ id, name }) => element("option", { value: id }, name)));
      }
      if (state.picture !== null) picture.value = state.picture;
      method.value = state.method;
      hold.setAttribute("aria-pressed", String(state.held));
      back.hidden = state.original === null;
      theme.textContent = themes[state.theme];
      theme.setAttribute("aria-label", `Colours of the page: ${state.theme}`);
      theme.title = `Colours of the page: ${state.theme}`;
      controls.setAttribute("aria-expanded", String(sideOpen));
    },
  };
}
