import { element, svgElement } from "./dom.js";
import { middleOf, samePlace } from "./places.js";

/** Pixels of a picture that is taken away, across, at least. */
const ACROSS = 1024;

/**
 * An array as NumPy writes it (format 1.0, little endian).
 *
 * @param {TypedArray} data
 * @param {number[]} shape
 * @returns {Uint8Array}
 */
export function npyOf(data, shape) {
  const values = Float32Array.from(data);
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(length + values.byteLength).fill(32, 0, length);
  bytes.set([0x93, 78, 85, 77, 80, 89, 1, 0, (length - 10) & 255, (length - 10) >> 8]);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[length - 1] = 10;
  const view = new DataView(bytes.buffer, length);
  values.forEach((value, index) => view.setFloat32(index * 4, value, true));
  return bytes;
}

/**
 * A figure's whole picture, whatever part of it the panel shows.
 *
 * @param {Object} figure
 * @param {HTMLCanvasElement|null} base - what lies under it.
 * @returns {HTMLCanvasElement}
 */
export function pictureOf(figure, base) {
  const [height, width] = figure.size;
  const scale = Math.max(1, Math.ceil(ACROSS / width));
  const canvas = element("canvas", { width: width * scale, height: height * scale });
  const drawn = canvas.getContext("2d");
  const lay = (image, opacity) => {
    drawn.globalAlpha = opacity;
    drawn.imageSmoothingEnabled = image.width > canvas.width;
    drawn.drawImage(image, 0, 0, canvas.width, canvas.height);
  };
  if (figure.opacity !== undefined && base) lay(base, 1);
  const opacity = figure.opacity === undefined ? 1 : figure.opacity;
  lay(figure.image, opacity);
  if (figure.second) {
    drawn.save();
    drawn.beginPath();
    drawn.rect(figure.split * canvas.width, 0, canvas.width, canvas.height);
    drawn.clip();
    if (base) lay(base, 1);
    lay(figure.second.image, opacity);
    drawn.restore();
  }
  return canvas;
}

/**
 * A figure as SVG: its picture, its outline, and the places of the state.
 *
 * @param {Object} figure
 * @param {HTMLCanvasElement|null} base
 * @param {Object} state
 * @returns {string}
 */
export function svgOf(figure, base, state) {
  const [height, width] = figure.size;
  const svg = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  const line = { fill: "none", stroke: "#fff", "stroke-width": 1.5, "vector-effect": "non-scaling-stroke" };
  svg.append(svgElement("title", {}, [figure.title, figure.badge].filter(Boolean).join(", ")));
  svg.append(svgElement("image", { href: pictureOf(figure, base).toDataURL("image/png"), width, height }));
  if (figure.outline) svg.append(svgElement("path", { d: figure.outline, ...line }));
  const pinned = state.pins.some((pin) => samePlace(pin, state.asked));
  for (const [index, place] of [pinned ? null : state.asked, ...state.pins].entries()) {
    if (!place) continue;
    const [y, x] = middleOf(place);
    const [cy, cx] = [y * height, x * width];
    if (place.region) {
      const [top, left, bottom, right] = place.region;
      const [down, across] = [height / place.height, width / place.width];
      const box = { x: left * across, y: top * down, width: (right - left) * across, height: (bottom - top) * down };
      svg.append(svgElement("rect", { ...box, ...line }));
    } else svg.append(svgElement("circle", { cx, cy, r: width / 150, ...line }));
    if (index > 0) svg.append(svgElement("text", { x: cx + width / 100, y: cy, "font-size": width / 50, fill: "#fff" }, String(index)));
  }
  return new XMLSerializer().serializeToString(svg);
}

/**
 * Give a file to the person.
 *
 * @param {string} name
 * @param {Blob} blob
 */
export function saveFile(name, blob) {
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/**
 * Give a panel's content to the person.
 *
 * @param {string} form - "png", "svg" or "npy".
 * @param {Object} figure
 * @param {HTMLCanvasElement|null} base
 * @param {Object} state
 */
export async function saveFigure(form, figure, base, state) {
  const name = `${figure.title.replace(/[^\p{L}\p{N}.-]+/gu, "_")}.${form}`;
  if (form === "npy") saveFile(name, new Blob([npyOf(figure.values.data, figure.values.shape)]));
  else if (form === "svg") saveFile(name, new Blob([svgOf(figure, base, state)], { type: "image/svg+xml" }));
  else pictureOf(figure, base).toBlob((blob) => saveFile(name, blob));
}
