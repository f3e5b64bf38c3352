/** What each key does, for the page's help. */
export const KEYS = [
  ["← → ↑ ↓", "move by one pixel, with Shift by eight"],
  ["Enter", "pin"],
  ["Tab, Delete", "go through the pins, remove one"],
  ["h", "hold the map, so that pointing only reads values"],
  ["f", "flip between the two maps that are compared"],
  ["c", "open or close the comparison"],
  ["+ − 0", "magnify, shrink, whole picture"],
  ["Escape", "let go of a region or a held map"],
  ["Shift and drag", "explain the mean over a region"],
  ["Drag, or Space and drag", "move the magnified picture"],
  ["?", "these keys"],
];

const WISHES = { h: "hold", f: "flip", c: "compare", 0: "whole", "?": "help", Escape: "release" };

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * Listen to keys that are meant for no control.
 *
 * @param {EventTarget} target
 * @param {Object} on - `move(rows, columns)`, `pin()`, `hold()`, `flip()`, `compare()`, `zoom(factor)`, `whole()`, `release()`, `help()`.
 */
export function listenToKeys(target, on) {
  target.addEventListener("keydown", (event) => {
    const control = event.target.closest && event.target.closest("input, select, textarea, dialog, summary, [popover]");
    if (control || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const arrow = ARROWS[event.key];
    if (arrow) on.move(...arrow.map((step) => step * (event.shiftKey ? 8 : 1)));
    else if (event.key === "Enter" && !(event.target.closest && event.target.closest("button, a"))) on.pin();
    else if (event.key === "+" || event.key === "=") on.zoom(1.25);
    else if (event.key === "-") on.zoom(0.8);
    else if (WISHES[event.key]) on[WISHES[event.key]]();
    else return;
    event.preventDefault();
  });
}
