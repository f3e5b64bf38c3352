/** Pixels of the line above a panel's picture, and of the two lines of one that is too small for title and value side by side. */
const PANEL_LINE = 30;
const TWO_LINES = 48;
const TIGHT = 300;

const GAP = 8;

/** Pixels of a picture's height below which the page is scrolled instead; two rows are seen at once then. */
const LEAST = 84;
const AT_ONCE = 2;
const NARROW = 640;

/** Pixels of height of a phone that lies: there is room for two rows, whatever they are. */
const SHORT = 400;

/** How much larger pictures have to be elsewhere before networks give up columns of their own. */
const TIDY = 1.5;

/** Panels of a section side by side, where all of them would be small. */
const PAIR = 2;

/** What a picture is worth that leaves a part of its panel empty, and one in a tight panel. */
const FILLED = 0.9;
const CRAMPED = 0.75;

/**
 * Where panels stand, so that their pictures are as large as can be.
 *
 * @param {{section: number}[]} panels - in the order of reading; those of a section belong side by side.
 * @param {number[]} box - [height, width] of what there is.
 * @param {number[]} size - [h, w] of the picture.
 * @returns {{columns: number, heights: number[], cells: {row: number, column: number, span: number, tight: boolean}[]}} `heights` of
 *   the rows, in pixels; a tight panel has two lines above its picture.
 */
export function arrange(panels, box, size) {
  const narrow = box[1] < NARROW;
  const tidy = narrow ? [] : [inSections(panels, panels.length), inSections(panels, PAIR)];
  const candidates = narrow ? [inTurn(panels, 1)] : [tidy[1]];
  if (!narrow && box[0] >= SHORT) candidates.push(tidy[0], ...panels.map((_, index) => inTurn(panels, index + 1)));
  let best = null;
  candidates.forEach((candidate) => {
    const found = measured(candidate, box, size, narrow);
    const worth = found.scale * (tidy.includes(candidate) && candidate.columns > 1 ? TIDY : 1);
    if (best === null || worth > best.worth) best = { ...found, worth };
  });
  return best;
}

/** How large pictures are; rows of few panels have them larger where there is room. */
function measured({ columns, cells }, [boxHeight, boxWidth], [height, width], scrolls) {
  const count = 1 + Math.max(...cells.map((cell) => cell.row));
  const across = (boxWidth - GAP * (columns - 1)) / columns;
  const line = lineOf(across);
  const inEach = (rows) => (boxHeight - GAP * (rows - 1)) / rows - line;
  const most = (across * height) / width;
  const least = inEach(count) >= LEAST ? inEach(count) : Math.max(LEAST, inEach(AT_ONCE));
  const usual = scrolls ? most : Math.min(most, least);
  const heights = Array.from({ length: count }, () => line + usual);
  const whole = heights.reduce((sum, one) => sum + one + GAP, -GAP);
  const seen = scrolls ? 1 : Math.min(1, boxHeight / whole) ** 2;
  const worth = seen * (usual < 0.9 * most ? FILLED : 1) * (line !== PANEL_LINE ? CRAMPED : 1);
  const scale = Math.min(across / width, usual / height) * worth;
  let room = boxHeight - whole;
  const placed = cells.map((cell) => ({ ...cell, span: 1, tight: line !== PANEL_LINE }));
  for (let row = 0; row < count; row++) {
    const inRow = placed.filter((cell) => cell.row === row);
    const span = Math.floor(columns / inRow.length);
    const wide = across * span + GAP * (span - 1);
    const more = (wide * height) / width + lineOf(wide) - usual - line;
    if (span < 2 || more > room) continue;
    room -= more;
    heights[row] += more;
    inRow.forEach((cell, index) => Object.assign(cell, { span, column: index * span, tight: lineOf(wide) !== PANEL_LINE }));
  }
  return { columns, heights, cells: placed, scale };
}

function lineOf(wide) {
  return wide < TIGHT ? TWO_LINES : PANEL_LINE;
}

/** Each section begins a row, and has as many as it needs. */
function inSections(panels, columns) {
  const cells = [];
  let [row, column, last] = [-1, columns, null];
  for (const { section } of panels) {
    if (section !== last || column === columns) [row, column, last] = [row + 1, 0, section];
    cells.push({ row, column });
    column += 1;
  }
  return { columns: 1 + Math.max(...cells.map((cell) => cell.column)), cells };
}

function inTurn(panels, columns) {
  return { columns, cells: panels.map((_, index) => ({ row: Math.floor(index / columns), column: index % columns })) };
}
