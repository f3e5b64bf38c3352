/** Decades below the largest value that a logarithm shows. */
export const DECADES = 4;

const DIVERGING = [[33, 102, 172], [103, 169, 207], [247, 247, 247], [239, 138, 98], [178, 24, 43]];

/** Of a pixel that is large in both maps, in the first only, in the second only. */
export const OVERLAP_COLOURS = [null, [255, 255, 255], [240, 159, 0], [0, 158, 228]];

/**
 * The table of a colour map.
 *
 * @param {string} text - base64 of 768 bytes: red, green, blue of 256 steps.
 * @returns {Uint8Array} [256, 3].
 */
export function colourTable(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/**
 * Blue for what is negative, red for what is positive.
 *
 * @returns {Uint8Array} [256, 3].
 */
export function divergingTable() {
  const table = new Uint8Array(768);
  for (let step = 0; step < 256; step++) {
    const at = (step / 255) * (DIVERGING.length - 1);
    const below = Math.min(Math.floor(at), DIVERGING.length - 2);
    for (let channel = 0; channel < 3; channel++) {
      const [low, high] = [DIVERGING[below][channel], DIVERGING[below + 1][channel]];
      table[step * 3 + channel] = Math.round(low + (high - low) * (at - below));
    }
  }
  return table;
}

/**
 * Where a value stands in a colour map.
 *
 * @param {number} value
 * @param {number} level - the largest that is told apart.
 * @param {boolean} signed - 0 then stands in the middle.
 * @param {boolean} log
 * @returns {number} 0 to 1.
 */
export function shadeOf(value, level, signed, log) {
  if (!(level > 0)) return signed ? 0.5 : 0;
  let size = Math.min(Math.abs(value) / level, 1);
  if (log) size = size > 0 ? Math.max(0, 1 + Math.log10(size) / DECADES) : 0;
  if (!signed) return size;
  return 0.5 + (value < 0 ? -size : size) / 2;
}

/**
 * A map in colours.
 *
 * @param {Float32Array} values
 * @param {number[]} size - [h, w].
 * @param {{table: Uint8Array, level: number, signed: boolean, log: boolean}} how
 * @returns {ImageData}
 */
export function paintMap(values, [height, width], { table, level, signed, log }) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = new Uint32Array(256); // a pixel's four bytes in one number, as this machine orders them
  const bytes = new Uint8Array(colours.buffer).fill(255);
  for (let step = 0; step < 256; step++) bytes.set(table.subarray(step * 3, step * 3 + 3), step * 4);
  if (signed || log || !(level > 0)) {
    for (let i = 0; i < values.length; i++) pixels[i] = colours[Math.round(shadeOf(values[i], level, signed, log) * 255)];
    return image;
  }
  const scale = 255 / level;
  for (let i = 0; i < values.length; i++) {
    const step = values[i] * scale;
    pixels[i] = colours[step < 255 ? (step + 0.5) | 0 : 255];
  }
  return image;
}

/**
 * Red, green and blue as a picture.
 *
 * @param {Uint8Array} rgb - [h, w, 3].
 * @param {number[]} size - [h, w].
 * @returns {ImageData}
 */
export function paintRgb(rgb, [height, width]) {
  const image = new ImageData(width, height);
  for (let i = 0, at = 0; i < rgb.length; i += 3, at += 4) {
    image.data[at] = rgb[i];
    image.data[at + 1] = rgb[i + 1];
    image.data[at + 2] = rgb[i + 2];
    image.data[at + 3] = 255;
  }
  return image;
}

/**
 * What `overlap` found, in colours.
 *
 * @param {Uint8Array} kinds
 * @param {number[]} size - [h, w].
 * @returns {ImageData}
 */
export function paintOverlap(kinds, [height, width]) {
  const image = new ImageData(width, height);
  for (let i = 0; i < kinds.length; i++) {
    if (kinds[i]) image.data.set([...OVERLAP_COLOURS[kinds[i]], 255], i * 4);
  }
  return image;
}

/**
 * A canvas with a picture on it.
 *
 * @param {ImageData} image
 * @returns {HTMLCanvasElement}
 */
export function canvasOf(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
