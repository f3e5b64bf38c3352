import { middleOf, pixelAt, regionAt } from "./places.js";

/** Screen pixels of one pixel from which on each is seen as a square. */
export const SQUARES = 3;

/**
 * A place for people: all of them are counted in the same pixels.
 *
 * @param {Object} place
 * @param {number[]|null} size - [h, w] in which they are counted; null: not known yet, the place's own.
 * @returns {string}
 */
export function pinText(place, size) {
  const pixels = size || [place.height, place.width];
  if (!place.region) return `(${pixelAt(place, pixels).join(", ")})`;
  const [top, left, bottom, right] = regionAt(place, pixels);
  return `rows ${top}–${bottom - 1}, columns ${left}–${right - 1}`;
}

function twice(drawn, draw) {
  drawn.strokeStyle = "rgb(0 0 0 / 70%)";
  drawn.lineWidth = 3.5;
  draw();
  drawn.strokeStyle = "#fff";
  drawn.lineWidth = 1.5;
  draw();
}

/** Mark a pixel: the one that is asked about with a ring, the one that is read without. */
export function drawCross(drawn, frame, place, size, asked) {
  const [row, column] = pixelAt(place, size);
  const [down, across] = [frame.height / size[0], frame.width / size[1]];
  const [top, left] = [frame.top + row * down, frame.left + column * across];
  const [y, x] = [top + down / 2, left + across / 2];
  twice(drawn, () => {
    drawn.beginPath();
    if (down >= 2 * SQUARES) drawn.rect(left, top, across, down);
    else if (asked) drawn.arc(x, y, 5, 0, 7);
    const [near, far] = asked ? [8, 14] : [2, 7];
    const [h, w] = down >= 2 * SQUARES ? [down / 2, across / 2] : [0, 0];
    for (const [dy, dx] of [[-1, 0], [1, 0], [0, -1], [0, 1]]) {
      drawn.moveTo(x + dx * (near + w), y + dy * (near + h));
      drawn.lineTo(x + dx * (far + w), y + dy * (far + h));
    }
    drawn.stroke();
  });
}

/** Mark where the nearest computed map belongs. */
export function drawNearest(drawn, frame, place) {
  const [y, x] = middleOf(place);
  twice(drawn, () => {
    drawn.setLineDash([2, 2]);
    drawn.beginPath();
    drawn.arc(frame.left + x * frame.width, frame.top + y * frame.height, 7, 0, 7);
    drawn.stroke();
    drawn.setLineDash([]);
  });
}

/** Mark a pin with its number. */
export function drawPin(drawn, frame, pin, number) {
  if (pin.region) drawRegion(drawn, frame, pin, true);
  const [y, x] = middleOf(pin);
  const [top, left] = [frame.top + y * frame.height, frame.left + x * frame.width];
  drawn.beginPath();
  drawn.arc(left, top, 8, 0, 7);
  drawn.fillStyle = "#fff";
  drawn.fill();
  drawn.lineWidth = 1.5;
  drawn.strokeStyle = "#111";
  drawn.stroke();
  drawn.fillStyle = "#111";
  drawn.font = "600 10px system-ui, sans-serif";
  drawn.textAlign = "center";
  drawn.textBaseline = "middle";
  drawn.fillText(String(number), left, top + 0.5);
}

/** Mark a region. */
export function drawRegion(drawn, frame, { region, height, width }, dashed) {
  const [top, left, bottom, right] = region;
  twice(drawn, () => {
    if (dashed) drawn.setLineDash([4, 3]);
    drawn.strokeRect(
      frame.left + (left / width) * frame.width,
      frame.top + (top / height) * frame.height,
      ((right - left) / width) * frame.width,
      ((bottom - top) / height) * frame.height,
    );
    drawn.setLineDash([]);
  });
}

/** Mark receptive fields: a box, and circles with the share of the map that they hold; `[bottom, right]` is where the panel ends. */
export function drawFields(drawn, frame, [bottom, right], { box, circles, size }) {
  if (box) drawRegion(drawn, frame, { region: box, height: size[0], width: size[1] }, false);
  const [down, across] = [frame.height / size[0], frame.width / size[1]];
  for (const [index, { middle, radius, text }] of circles.entries()) {
    const [y, x] = [frame.top + middle[0] * down, frame.left + middle[1] * across];
    twice(drawn, () => {
      drawn.beginPath();
      drawn.ellipse(x, y, radius * across, radius * down, 0, 0, 7);
      drawn.stroke();
    });
    drawn.font = "11px system-ui, sans-serif";
    drawn.textAlign = "center";
    drawn.textBaseline = "middle";
    drawn.strokeStyle = "rgb(0 0 0 / 80%)";
    drawn.lineWidth = 3;
    const [high, wide] = [radius * down + 8, radius * across];
    const sides = [[y - 8, x + wide], [y - 8, x - wide]]; // in turn: neighbours' texts would lie on each other
    const spots = [[y - high, x], [y + high, x], sides[index % 2], sides[1 - (index % 2)]];
    const seen = ([top, left]) => top > 8 && top < bottom - 8 && left > 20 && left < right - 20;
    const [top, left] = spots.find(seen) || spots[0];
    drawn.strokeText(text, left, top);
    drawn.fillStyle = "#fff";
    drawn.fillText(text, left, top);
  }
}
