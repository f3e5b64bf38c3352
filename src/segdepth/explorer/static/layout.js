/** Pixels of a panel's line above its picture. */
export const PANEL_LINE = 30;

const GAP = 8;
const LEAST = 84;
const NARROW = 640;

/** How much larger pictures have to be elsewhere before networks give up columns of their own. */
const TIDY = 1.5;

/** Panels of a section side by side, where all of them would be small. */
const PAIR = 2;

/** What a picture is worth that leaves a part of its panel empty. */
const FILLED = 0.9;

/**
 * Where panels stand, so that their pictures are as large as can be.
 *
 * @param {{section: number}[]} panels - in the order of reading; those of a section belong side by side.
 * @param {number[]} box - [height, width] of what there is.
 * @param {number[]} size - [h, w] of the picture.
 * @returns {{columns: number, heights: number[], cells: {row: number, column: number, span: number}[]}} `heights` of the rows, in pixels.
 */
export function arrange(panels, box, size) {
  const narrow = box[1] < NARROW;
  const tidy = narrow ? [] : [inSections(panels, panels.length), inSections(panels, PAIR)];
  const candidates = narrow ? [inTurn(panels, 1)] : [...tidy];
  for (let columns = 1; columns <= panels.length && !narrow; columns++) candidates.push(inTurn(panels, columns));
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
  const down = (boxHeight - GAP * (count - 1)) / count - PANEL_LINE;
  const most = (across * height) / width;
  const usual = scrolls ? most : Math.min(most, Math.max(down, LEAST));
  const fits = scrolls || down >= LEAST;
  const scale = Math.min(across / width, usual / height) * (fits ? 1 : 0.5) * (usual < 0.9 * most ? FILLED : 1);
  const heights = Array.from({ length: count }, () => PANEL_LINE + usual);
  let room = boxHeight - heights.reduce((sum, one) => sum + one + GAP, -GAP);
  const placed = cells.map((cell) => ({ ...cell, span: 1 }));
  for (let row = 0; row < count; row++) {
    const inRow = placed.filter((cell) => cell.row === row);
    const span = Math.floor(columns / inRow.length);
    const more = ((across * span + GAP * (span - 1)) * height) / width - usual;
    if (span < 2 || more > room) continue;
    room -= more;
    heights[row] += more;
    inRow.forEach((cell, index) => Object.assign(cell, { span, column: index * span }));
  }
  return { columns, heights, cells: placed, scale };
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
