/**
 * A place is a pixel, or a region, of a picture in a given size: `{row, column, height, width}`, or
 * `{region: [r0, c0, r1, c1], height, width}` whose last row and column are not in it.
 */

/**
 * The pixel of another size under the same part of the picture, as the protocol has it.
 *
 * @param {{row: number, column: number, height: number, width: number}} place
 * @param {number[]} size - [h, w].
 * @returns {number[]} [row, column].
 */
export function pixelAt(place, [height, width]) {
  if (place.region) {
    const [top, left, bottom, right] = regionAt(place, [height, width]);
    return [Math.floor((top + bottom - 1) / 2), Math.floor((left + right - 1) / 2)];
  }
  if (place.height === height && place.width === width) return [place.row, place.column];
  return [
    Math.floor(((place.row + 0.5) * height) / place.height),
    Math.floor(((place.column + 0.5) * width) / place.width),
  ];
}

/**
 * A region in another size: at least one pixel.
 *
 * @param {{region: number[], height: number, width: number}} place
 * @param {number[]} size - [h, w].
 * @returns {number[]} [r0, c0, r1, c1].
 */
export function regionAt({ region, height, width }, [toHeight, toWidth]) {
  const [down, across] = [toHeight / height, toWidth / width];
  const top = Math.min(Math.floor(region[0] * down), toHeight - 1);
  const left = Math.min(Math.floor(region[1] * across), toWidth - 1);
  return [
    top,
    left,
    Math.max(top + 1, Math.min(Math.round(region[2] * down), toHeight)),
    Math.max(left + 1, Math.min(Math.round(region[3] * across), toWidth)),
  ];
}

/**
 * The middle of a place as parts of the picture's height and width.
 *
 * @returns {number[]} [y, x], 0 to 1.
 */
export function middleOf(place) {
  if (place.region) {
    const [top, left, bottom, right] = place.region;
    return [(top + bottom) / 2 / place.height, (left + right) / 2 / place.width];
  }
  return [(place.row + 0.5) / place.height, (place.column + 0.5) / place.width];
}

/**
 * A place some pixels further, within the picture.
 *
 * @returns {{row: number, column: number, height: number, width: number}}
 */
export function moved(place, rows, columns, [height, width]) {
  const [row, column] = pixelAt(place, [height, width]);
  return {
    row: Math.min(Math.max(row + rows, 0), height - 1),
    column: Math.min(Math.max(column + columns, 0), width - 1),
    height,
    width,
  };
}

/** @returns {boolean} whether two places are one. */
export function samePlace(a, b) {
  return a === b || (a !== null && b !== null && placeText(a) === placeText(b));
}

/**
 * A place as the link has it: "row,column,height,width", or "r0,c0,r1,c1,height,width".
 *
 * @returns {string}
 */
export function placeText(place) {
  const numbers = place.region ? place.region : [place.row, place.column];
  return [...numbers, place.height, place.width].join(",");
}

/**
 * Read what `placeText` wrote.
 *
 * @param {string} text
 * @returns {Object|null} null where it is none.
 */
export function readPlace(text) {
  const numbers = (text || "").split(",").map(Number);
  if (numbers.some((number) => !Number.isInteger(number) || number < 0)) return null;
  const [height, width] = numbers.slice(-2);
  if (numbers.length === 4) {
    const [row, column] = numbers;
    return row < height && column < width ? { row, column, height, width } : null;
  }
  if (numbers.length !== 6) return null;
  const region = numbers.slice(0, 4);
  const inside = region[0] < region[2] && region[1] < region[3] && region[2] <= height && region[3] <= width;
  return inside ? { region, height, width } : null;
}
