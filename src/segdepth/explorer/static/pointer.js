/** Pixels of the screen that a click may move. */
const STEADY = 4;

/** Milliseconds after which a finger that rests pins. */
const LONG = 500;

/**
 * Pointing, clicking, dragging, brushing, wheel and pinch on a canvas, as what they mean.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{point: function, leave: function, pin: function, pull: function, zoom: function, brush: function, pulls: function}} on -
 *   all of them get points of the canvas: `point(top, left)`, `pin(top, left)`, `pull(down, right)`, `zoom(factor, top, left)`,
 *   `brush(from, to, done)`; `pulls()` says whether dragging moves the picture.
 */
export function listenToPointer(canvas, on) {
  const fingers = new Map();
  let drag = null;
  let space = false;
  let hover = null; // the wheel's own coordinates are whole numbers

  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientY - box.top, event.clientX - box.left];
  };
  const distance = ([[a, b], [c, d]]) => Math.hypot(a - c, b - d);
  const middle = ([[a, b], [c, d]]) => [(a + c) / 2, (b + d) / 2];
  const isSpace = (event) => event.key === " ";
  canvas.addEventListener("keydown", (event) => {
    if (!isSpace(event)) return;
    space = true;
    event.preventDefault();
  });
  canvas.addEventListener("keyup", (event) => (space = space && !isSpace(event)));
  canvas.addEventListener("blur", () => (space = false));

  canvas.addEventListener("pointerdown", (event) => {
    const at = spot(event);
    fingers.set(event.pointerId, at);
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true, focusVisible: false });
    if (event.button === 1) event.preventDefault();
    clearTimeout(drag && drag.timer);
    const touch = event.pointerType === "touch";
    drag = { from: at, last: at, steady: true, touch, brush: event.shiftKey, pull: space || event.button === 1 };
    if (fingers.size > 1) drag = { ...drag, steady: false, pinch: true };
    else if (touch) {
      on.point(...at);
      const begun = drag;
      drag.timer = setTimeout(() => begun.steady && on.pin(...begun.last), LONG);
    }
  });

  canvas.addEventListener("pointermove", (event) => {
    const at = spot(event);
    const before = [...fingers.values()];
    hover = at;
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, at);
    if (drag === null) {
      on.point(...at);
      return;
    }
    if (drag.pinch) {
      if (fingers.size !== 2) return;
      const now = [...fingers.values()];
      const [from, to] = [middle(before), middle(now)];
      on.pull(to[0] - from[0], to[1] - from[1]);
      if (distance(before) > 0) on.zoom(distance(now) / distance(before), ...to);
      return;
    }
    if (distance([drag.from, at]) > STEADY) drag.steady = false;
    if (drag.brush && !drag.steady) on.brush(drag.from, at, false);
    else if (!drag.steady && (drag.pull || (!drag.touch && on.pulls()))) on.pull(at[0] - drag.last[0], at[1] - drag.last[1]);
    else if (!drag.brush) on.point(...at);
    drag.last = at;
  });

  const end = (event) => {
    const at = spot(event);
    fingers.delete(event.pointerId);
    if (drag === null) return;
    clearTimeout(drag.timer);
    const up = event.type === "pointerup";
    if (up && drag.brush && !drag.steady) on.brush(drag.from, at, true);
    else if (up && drag.steady && !drag.touch && event.button === 0) on.pin(...at);
    if (fingers.size === 0) drag = null;
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", () => drag === null && on.leave());
  canvas.addEventListener("contextmenu", (event) => event.pointerType === "touch" && event.preventDefault());
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const at = spot(event);
      const around = hover && distance([hover, at]) < 1.5 ? hover : at;
      on.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.002)), ...around);
    },
    { passive: false },
  );
}
