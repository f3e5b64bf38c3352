import { mountExplorer } from "./app.js";
import { element } from "./dom.js";
import { WidgetSource } from "./widget_source.js";

/**
 * Show the explorer in a notebook's cell, as anywidget asks for it.
 *
 * @param {{model: Object, el: HTMLElement}} cell
 * @returns {function()} what lets it go.
 */
export function renderWidget({ model, el }) {
  const root = element("div", { "data-lm-suppress-shortcuts": "true" });
  root.style.height = `${model.get("height")}px`;
  root.addEventListener("keydown", (event) => event.stopPropagation()); // the notebook has shortcuts of its own
  el.append(root);
  const source = new WidgetSource(model);
  mountExplorer(root, source);
  return () => source.close();
}
