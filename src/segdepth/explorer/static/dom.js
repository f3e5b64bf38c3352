/**
 * Build an element.
 *
 * @param {string} tag - with classes: "div.panel.wide".
 * @param {Object} [attributes] - "on..." are listeners, null and false are left out.
 * @param {...(Node|string|null)} children - null is left out.
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

/**
 * Build an element of SVG.
 *
 * @param {string} tag
 * @param {Object} [attributes]
 * @param {...(Node|string)} children
 * @returns {SVGElement}
 */
export function svgElement(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

let labelCount = 0;

/**
 * A control under its label.
 *
 * @param {string} text
 * @param {HTMLElement} control
 * @param {Node|null} [beside] - a value that stands at the line's end.
 * @returns {HTMLElement}
 */
export function labelled(text, control, beside = null) {
  labelCount += 1;
  control.id = control.id || `control-${labelCount}`;
  return element("div.field", {}, element("label", { for: control.id }, text), control, beside);
}

/**
 * A list to choose from.
 *
 * @param {{value: string, text: string}[]} options
 * @param {string} value - the one that is chosen.
 * @param {function(string): void} choose
 * @param {Object} [attributes]
 * @returns {HTMLSelectElement}
 */
export function choice(options, value, choose, attributes = {}) {
  const select = element("select", { ...attributes, onchange: () => choose(select.value) });
  for (const option of options) select.append(element("option", { value: option.value }, option.text));
  select.value = value;
  return select;
}

/**
 * A slider that says its value.
 *
 * @param {string} text - its label.
 * @param {{min: number, max: number, step: number}} range
 * @param {number} value
 * @param {function(number): void} move
 * @param {function(number): string} write
 * @returns {HTMLElement}
 */
export function slider(text, range, value, move, write) {
  const output = element("output", {}, write(value));
  const input = element("input", {
    type: "range", ...range,
    oninput: () => {
      output.textContent = write(Number(input.value));
      move(Number(input.value));
    },
  });
  input.value = value;
  return labelled(text, input, output);
}

/**
 * A box to tick.
 *
 * @param {string} text
 * @param {boolean} value
 * @param {function(boolean): void} tick
 * @returns {HTMLElement}
 */
export function tickbox(text, value, tick) {
  const input = element("input", { type: "checkbox", onchange: () => tick(input.checked) });
  input.checked = value;
  return element("label.tick", {}, input, element("span", {}, text));
}

/**
 * A button.
 *
 * @param {string} text
 * @param {function(Event): void} press
 * @param {Object} [attributes]
 * @returns {HTMLButtonElement}
 */
export function button(text, press, attributes = {}) {
  return element("button", { type: "button", ...attributes, onclick: press }, text);
}

/**
 * A part of the panel that can be folded.
 *
 * @param {string} title
 * @param {boolean} open
 * @param {...Node} children
 * @returns {HTMLDetailsElement}
 */
export function folded(title, open, ...children) {
  return element("details.part", { open }, element("summary", {}, element("h2", {}, title)), element("div.inside", {}, ...children));
}
