import { pixelAt } from "./places.js";
import { canvasOf, divergingTable, paintMap, paintOverlap, paintRgb } from "./colours.js";
import { difference, outlinePath, overlap, patchSums, quantile, resampled, shareUpTo } from "./measures.js";
import { answerText, numberText } from "./writing.js";

/**
 * A figure is what a panel shows: `{title, size, image, base, opacity, outline, read, values, badge, dim, problem}`.
 * `image` lies over `base`, both canvases; `read(place)` is the text of a pixel; `values` are an array and its shape.
 */

const DIFFERENCE = divergingTable();

/** What was made of the same things last time is not made again. */
export class Memory {
  constructor() {
    this.slots = new Map();
  }

  /**
   * @param {string} slot - what it is for; each remembers one.
   * @param {Array} parts - what it is made of.
   * @param {function(): *} make
   * @returns {*}
   */
  get(slot, parts, make) {
    const last = this.slots.get(slot);
    if (last && last.parts.length === parts.length && last.parts.every((part, i) => part === parts[i])) return last.made;
    const made = make();
    this.slots.set(slot, { parts, made });
    return made;
  }
}

/**
 * The picture.
 *
 * @param {Memory} memory
 * @param {{head: Object, arrays: Object}} picture
 * @returns {Object} a figure.
 */
export function pictureFigure(memory, picture) {
  const { data, shape } = picture.arrays.image;
  const size = shape.slice(0, 2);
  const image = memory.get("picture", [data], () => canvasOf(paintRgb(data, size)));
  const read = (place) => {
    const [row, column] = pixelAt(place, size);
    const start = (row * size[1] + column) * 3;
    return `RGB ${Array.from(data.subarray(start, start + 3)).join(" ")}`;
  };
  return { title: picture.head.name, size, image, read, values: { data, shape } };
}

/**
 * The picture without colours, which lies under maps, whose colours say something.
 *
 * @param {Memory} memory
 * @param {{head: Object, arrays: Object}} picture
 * @returns {HTMLCanvasElement}
 */
export function greyPicture(memory, picture) {
  const { data, shape } = picture.arrays.image;
  return memory.get("grey", [data], () => {
    const image = paintRgb(data, shape.slice(0, 2));
    for (let i = 0; i < image.data.length; i += 4) {
      const [red, green, blue] = image.data.subarray(i, i + 3);
      image.data.fill(0.299 * red + 0.587 * green + 0.114 * blue, i, i + 3);
    }
    return canvasOf(image);
  });
}

/**
 * A network's answer, or the truth, painted.
 *
 * @param {Memory} memory
 * @param {Object} network - of the session.
 * @param {{head: Object, arrays: Object}} answer
 * @param {boolean} truth
 * @returns {Object} a figure.
 */
export function answerFigure(memory, network, answer, truth) {
  const { head, arrays } = answer;
  const form = truth ? head.truth : head.answer;
  const painted = arrays[truth ? "truth_painted" : "painted"];
  const size = painted.shape.slice(0, 2);
  const image = memory.get(`${network.id} ${truth}`, [painted.data], () => canvasOf(paintRgb(painted.data, size)));
  const values = arrays[form.array];
  const read = (place) => {
    const pixel = pixelAt(place, size);
    const words = [answerText(form, values, pixel)];
    if (truth) return words[0];
    for (const { text, array } of head.beside || []) {
      words.push(`${text} ${numberText(arrays[array].data[pixel[0] * size[1] + pixel[1]])}`);
    }
    return words.join(" · ");
  };
  return { title: truth ? `Truth · ${network.task}` : `${network.name} · answer`, size, image, read, values };
}

/**
 * A map's numbers as the page's colours show them.
 *
 * @param {Memory} memory
 * @param {string} slot
 * @param {{values: Float32Array, size: number[]}} map
 * @param {Object} colours - of the state.
 * @returns {{values: Float32Array, level: number, signed: boolean}}
 */
export function shownValues(memory, slot, map, { patch, clip }) {
  return memory.get(`${slot} values`, [map.values, patch, clip], () => {
    const values = patchSums(map.values, map.size, patch);
    const level = quantile(values, clip / 100) || quantile(values, 1);
    return { values, level, signed: values.some((value) => value < 0) };
  });
}

/**
 * A saliency map over the picture.
 *
 * @param {Memory} memory
 * @param {string} slot
 * @param {Object} map - with its head.
 * @param {Object} colours - of the state.
 * @param {Object<string, Uint8Array>} tables - of colours, by name.
 * @returns {Object} a figure.
 */
export function mapFigure(memory, slot, map, colours, tables) {
  const { values, level, signed } = shownValues(memory, slot, map, colours);
  const table = signed ? DIFFERENCE : tables[colours.map];
  const image = memory.get(`${slot} image`, [values, level, table, colours.log], () =>
    canvasOf(paintMap(values, map.size, { table, level, signed, log: colours.log })),
  );
  const outline = memory.get(`${slot} outline`, [values, colours.outline], () =>
    colours.outline > 0 ? outlinePath(values, map.size, quantile(values, 1 - colours.outline) || Infinity) : null,
  );
  const read = (place) => {
    const [row, column] = pixelAt(place, map.size);
    const value = values[row * map.size[1] + column];
    return `${numberText(value)} · percentile ${(100 * shareUpTo(values, value)).toFixed(1)}`;
  };
  return { size: map.size, image, outline, opacity: colours.opacity, read, values: { data: values, shape: map.size }, level };
}

/**
 * Two maps in one: a part of each, one of them, their difference, or what is large in both.
 *
 * @param {Memory} memory
 * @param {{map: Object, slot: string}} a - `slot` is that of the same map's own panel, where it has one.
 * @param {{map: Object, slot: string}} b
 * @param {Object} state
 * @param {Object<string, Uint8Array>} tables
 * @returns {Object} a figure; that of "slider" has a `second` one and the `split` between them.
 */
export function compareFigure(memory, a, b, state, tables) {
  const { how, flipped, share, split } = state.compare;
  const figures = [a, b].map(({ map, slot }) => mapFigure(memory, slot, map, state.colours, tables));
  const size = a.map.size;
  const [first, second] = [figures[0].values.data, figures[1].values.data];
  const other = memory.get("other", [second, size.join()], () => resampled(second, b.map.size, size));
  const found = memory.get("overlap", [first, other, share], () => overlap(first, other, share));
  const iou = Number.isNaN(found.iou) ? "none" : found.iou.toFixed(3);
  const both = (place) => {
    const texts = figures.map((figure) => figure.read(place).replace("percentile", "P"));
    return `A ${texts[0]} · B ${texts[1]}`;
  };
  const common = { size, read: both, iou: found.iou, note: `IoU ${iou} of the largest ${percentText(share)}` };
  if (how === "overlap") {
    const image = memory.get("overlap image", [found], () => canvasOf(paintOverlap(found.kinds, size)));
    const words = ["in neither", "in both", "in A only", "in B only"];
    const read = (place) => {
      const [row, column] = pixelAt(place, size);
      return words[found.kinds[row * size[1] + column]];
    };
    const data = Float32Array.from(found.kinds);
    return { ...common, image, opacity: 0.85, read, values: { data, shape: size } };
  }
  if (how === "difference") {
    const parts = [first, other, figures[0].level, figures[1].level];
    const values = memory.get("difference", parts, () => difference(first, figures[0].level, other, figures[1].level));
    const image = memory.get("difference image", [values, state.colours.log], () =>
      canvasOf(paintMap(values, size, { table: DIFFERENCE, level: 1, signed: true, log: state.colours.log })),
    );
    const read = (place) => {
      const [row, column] = pixelAt(place, size);
      return `A − B ${numberText(values[row * size[1] + column])}`;
    };
    const text = `each divided by its percentile ${state.colours.clip}`;
    return { ...common, image, opacity: state.colours.opacity, read, values: { data: values, shape: size }, note: text };
  }
  if (how === "flip") return { ...common, ...figures[flipped ? 1 : 0], ...{ read: both, note: common.note } };
  return { ...common, ...figures[0], read: both, note: common.note, second: figures[1], split };
}

function percentText(share) {
  return `${Number((share * 100).toPrecision(3))} %`;
}
