/** Pixels of a panel's line above its picture. */
export const PANEL_LINE = 30;

const GAP = 8;
const LEAST = 84;
const NARROW = 640;

/**
 * Where panels stand, so that their pictures are as large as can be.
 *
 * @param {{section: number}[]} panels - in the order of reading; those of a section belong side by side.
 * @param {number[]} box - [height, width] of what there is.
 * @param {number[]} size - [h, w] of the picture.
 * @returns {{columns: number, height: number, cells: {row: number, column: number}[]}} `height` of each panel, in pixels.
 */
export function arrange(panels, [boxHeight, boxWidth], [height, width]) {
  const candidates = [inSections(panels)];
  for (let columns = 1; columns <= panels.length; columns++) candidates.push(inTurn(panels, columns));
  let best = null;
  candidates.forEach(({ columns, cells }, index) => {
    if (boxWidth < NARROW && columns > 1) return;
    const rows = 1 + Math.max(...cells.map((cell) => cell.row));
    const across = (boxWidth - GAP * (columns - 1)) / columns;
    const down = (boxHeight - GAP * (rows - 1)) / rows - PANEL_LINE;
    const scale = Math.min(across / width, Math.max(down, LEAST) / height);
    const fits = Math.max(down, LEAST) === down;
    const belongs = index === 0 && columns > 1; // networks stand in columns of their own
    const worth = scale * (belongs ? 1.5 : 1) * (fits ? 1 : 0.5);
    if (best !== null && worth <= best.worth) return;
    const scrolls = boxWidth < NARROW;
    const most = (across * height) / width;
    best = { worth, columns, cells, height: PANEL_LINE + (scrolls ? most : Math.min(most, Math.max(down, LEAST))) };
  });
  return best;
}

function inSections(panels) {
  const counts = {};
  const rows = [...new Set(panels.map((panel) => panel.section))];
  const cells = panels.map(({ section }) => {
    counts[section] = (counts[section] || 0) + 1;
    return { row: rows.indexOf(section), column: counts[section] - 1 };
  });
  return { columns: Math.max(...Object.values(counts)), cells };
}

function inTurn(panels, columns) {
  return { columns, cells: panels.map((_, index) => ({ row: Math.floor(index / columns), column: index % columns })) };
}
