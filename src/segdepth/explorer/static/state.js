import { placeText, readPlace } from "./places.js";

/**
 * What the page shows before anybody chose.
 *
 * @param {Object} session - of the protocol.
 * @returns {Object}
 */
export function firstState(session) {
  const shown = session.networks.slice(0, session.limits.networks).map((network) => network.id);
  return {
    picture: session.pictures.length ? session.pictures[0].id : null,
    original: null,
    networks: shown,
    targets: Object.fromEntries(session.networks.map((network) => [network.id, network.targets[0].value])),
    models: Object.fromEntries(session.networks.map((network) => [network.id, network.models[0]])),
    method: session.methods[0].value,
    asked: null,
    cursor: null,
    held: false,
    pins: [],
    view: { zoom: 1, y: 0.5, x: 0.5 },
    colours: { map: Object.keys(session.colour_maps)[0], opacity: 0.75, clip: 99.5, log: false, outline: 0, patch: 1 },
    compare: { open: shown.length > 1, ...firstSides(session, shown), how: "slider", split: 0.5, flipped: false, share: 0.1 },
    fields: { theoretical: false, effective: false },
    show: { answer: true, truth: true, map: true },
    theme: "auto",
  };
}

/**
 * The two maps that are compared first: of two networks, or of one and its null model, where there is one.
 *
 * @returns {{a: string, b: string}}
 */
export function firstSides(session, shown) {
  const a = sideText(shown[0], "", "here");
  if (shown.length > 1) return { a, b: sideText(shown[1], "", "here") };
  if (!session.can.random && session.can.edges === false) return { a, b: a };
  return { a, b: sideText(shown[0], session.can.random ? "random" : "edges", "here") };
}

/**
 * One of two things that are compared: a network's map at the pointer ("here") or at a pin.
 *
 * @param {string} network
 * @param {string} model - "" for the one that the network has now; "edges" for the picture's edges.
 * @param {string} where - "here", or a place's text.
 * @returns {string}
 */
export function sideText(network, model, where) {
  return [network, model, where].join("|");
}

/** The page's state, and who wants to know of its changes. */
export class Store {
  constructor(state) {
    this.state = state;
    this.listeners = [];
  }

  /** @param {function(Object, Set<string>): void} listener - gets the state, and the names that changed. */
  listen(listener) {
    this.listeners.push(listener);
  }

  /** @param {Object} changes - parts of the state; objects within it are joined with what is there. */
  set(changes) {
    const names = new Set();
    for (const [name, value] of Object.entries(changes)) {
      const now = this.state[name];
      const joins = value && now && !Array.isArray(value) && typeof value === "object" && !["asked", "cursor"].includes(name);
      const next = joins ? { ...now, ...value } : value;
      if (JSON.stringify(next) === JSON.stringify(now)) continue;
      this.state[name] = next;
      names.add(name);
    }
    if (names.size) for (const listener of this.listeners) listener(this.state, names);
  }
}

/**
 * What a link says of a state: only what differs from the first one.
 *
 * @param {Object} state
 * @param {Object} first - of `firstState`.
 * @returns {string} the part after "#".
 */
export function linkOf(state, first) {
  const said = new URLSearchParams();
  if (state.picture) said.set("picture", state.picture);
  if (state.original) said.set("original", state.original);
  if (state.asked) said.set("at", placeText(state.asked));
  if (state.held) said.set("held", "1");
  if (state.pins.length) said.set("pins", state.pins.map(placeText).join(";"));
  if (state.networks.join() !== first.networks.join()) said.set("networks", state.networks.join());
  if (state.method !== first.method) said.set("method", state.method);
  if (state.theme !== first.theme) said.set("theme", state.theme);
  for (const group of ["targets", "models", "view", "colours", "compare", "fields", "show"]) {
    for (const [name, value] of Object.entries(state[group])) {
      if (value === first[group][name]) continue;
      const text = typeof value === "number" ? Number(value.toFixed(5)) : value;
      said.set(`${group}.${name}`, text);
    }
  }
  return said.toString().replaceAll("%2C", ",").replaceAll("%7C", "|").replaceAll("%3A", ":").replaceAll("%3B", ";");
}

/**
 * The state that a link says. What it says of networks, pictures or pixels that are not there is left out.
 *
 * @param {string} link - the part after "#".
 * @param {Object} session
 * @returns {Object}
 */
export function stateOf(link, session) {
  const state = firstState(session);
  const said = new URLSearchParams(link);
  const known = (list, id) => list.some((item) => item.id === id);
  if (known(session.pictures, said.get("picture"))) state.picture = said.get("picture");
  if (known(session.pictures, said.get("original"))) state.original = said.get("original");
  state.asked = readPlace(said.get("at"));
  state.cursor = state.asked && !state.asked.region ? state.asked : null;
  state.held = said.get("held") === "1" || Boolean(state.asked && state.asked.region);
  state.pins = (said.get("pins") || "").split(";").map(readPlace).filter((place) => place !== null);
  const networks = (said.get("networks") || "").split(",").filter((id) => known(session.networks, id));
  if (networks.length) state.networks = networks.slice(0, session.limits.networks);
  if (session.methods.some((method) => method.value === said.get("method"))) state.method = said.get("method");
  if (["light", "dark"].includes(said.get("theme"))) state.theme = said.get("theme");
  for (const group of ["targets", "models", "view", "colours", "compare", "fields", "show"]) {
    for (const [name, value] of Object.entries(state[group])) {
      const text = said.get(`${group}.${name}`);
      if (text !== null) state[group][name] = sameKind(text, value);
    }
  }
  if (!(state.colours.map in session.colour_maps)) state.colours.map = Object.keys(session.colour_maps)[0];
  for (const network of session.networks) {
    if (!network.models.includes(state.models[network.id])) state.models[network.id] = network.models[0];
  }
  return state;
}

function sameKind(text, value) {
  if (typeof value === "boolean") return text === "true";
  if (typeof value === "number") return Number.isFinite(Number(text)) ? Number(text) : value;
  return text;
}
