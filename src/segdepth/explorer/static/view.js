/** Times that the picture is magnified at most. */
const MOST_ZOOM = 64;

/**
 * Where the whole picture lies in a panel, of which a part may be outside.
 *
 * @param {{zoom: number, y: number, x: number}} view - at zoom 1 the picture just fits; y and x are the picture's part in the middle.
 * @param {number[]} box - [height, width] of the panel.
 * @param {number[]} size - [h, w] of the picture.
 * @returns {{top: number, left: number, height: number, width: number}}
 */
export function frameOf({ zoom, y, x }, [boxHeight, boxWidth], [height, width]) {
  const scale = Math.min(boxHeight / height, boxWidth / width) * zoom;
  const frame = { height: height * scale, width: width * scale };
  frame.top = boxHeight / 2 - within(y, boxHeight, frame.height) * frame.height;
  frame.left = boxWidth / 2 - within(x, boxWidth, frame.width) * frame.width;
  return frame;
}

function within(middle, box, length) {
  if (length <= box) return 0.5;
  const half = box / 2 / length;
  return Math.min(Math.max(middle, half), 1 - half);
}

/**
 * The pixel under a point of a panel.
 *
 * @returns {{row: number, column: number, height: number, width: number}|null} null beside the picture.
 */
export function placeAt(frame, [height, width], top, left) {
  const row = Math.floor(((top - frame.top) / frame.height) * height);
  const column = Math.floor(((left - frame.left) / frame.width) * width);
  if (row < 0 || column < 0 || row >= height || column >= width) return null;
  return { row, column, height, width };
}

/**
 * The view after magnifying around a point of a panel, which stays where it is.
 *
 * @returns {{zoom: number, y: number, x: number}}
 */
export function zoomed(view, factor, box, size, top, left) {
  const zoom = Math.min(Math.max(view.zoom * factor, 1), MOST_ZOOM);
  const frame = frameOf(view, box, size);
  const grown = zoom / view.zoom;
  const middle = (point, start, length, side) => {
    const part = (point - start) / length;
    return within(part + (side / 2 - point) / (length * grown), side, length * grown);
  };
  return {
    zoom,
    y: middle(top, frame.top, frame.height, box[0]),
    x: middle(left, frame.left, frame.width, box[1]),
  };
}

/**
 * The view after pulling the picture.
 *
 * @returns {{zoom: number, y: number, x: number}}
 */
export function pulled(view, box, size, down, right) {
  const frame = frameOf(view, box, size);
  const y = (box[0] / 2 - frame.top - down) / frame.height;
  const x = (box[1] / 2 - frame.left - right) / frame.width;
  return { zoom: view.zoom, y: within(y, box[0], frame.height), x: within(x, box[1], frame.width) };
}

/**
 * The view that shows a part of the picture, moved no more than is needed.
 *
 * @param {number[]} middle - [y, x].
 * @returns {{zoom: number, y: number, x: number}}
 */
export function showing(view, [y, x], box, size) {
  const frame = frameOf(view, box, size);
  const [top, left] = [frame.top + y * frame.height, frame.left + x * frame.width];
  const outside = top < 0 || left < 0 || top > box[0] || left > box[1];
  return outside ? { zoom: view.zoom, y: within(y, box[0], frame.height), x: within(x, box[1], frame.width) } : view;
}
