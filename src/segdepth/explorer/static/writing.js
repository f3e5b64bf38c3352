/**
 * A number to three digits.
 *
 * @param {number} value
 * @returns {string}
 */
export function numberText(value) {
  if (!Number.isFinite(value)) return "none";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(3))) : value.toExponential(2);
}

/**
 * What a network, or the truth, says at a pixel.
 *
 * @param {{names: string[]|null, unit: string, digits: number}} form - of the answer's head.
 * @param {{data: TypedArray, shape: number[]}} array - [h, w] or [h, w, n].
 * @param {number[]} pixel - [row, column].
 * @returns {string}
 */
export function answerText({ names, unit, digits }, { data, shape }, [row, column]) {
  const count = shape.length > 2 ? shape[2] : 1;
  const start = (row * shape[1] + column) * count;
  const values = Array.from(data.subarray(start, start + count));
  if (names) return names[values[0]] || "none";
  if (values.some(Number.isNaN)) return "none";
  const text = values.map((value) => value.toFixed(digits)).join(", ");
  return unit ? `${text} ${unit}` : text;
}

/**
 * Bytes for a person.
 *
 * @param {number} bytes
 * @returns {string}
 */
export function bytesText(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * What a map explains: the answer itself, or what was chosen in its place and its number.
 *
 * @param {Object} network - of the session.
 * @param {{target: string, model: string, text: string, value: number, region: number[]|null}} head - of the map.
 * @returns {string}
 */
export function explainedText({ targets, models }, { target, model, text, value, region }) {
  const known = (word) => targets.find((one) => one.value === word);
  const what = (known(target) ? [target] : target.split(":")).map((word) => (known(word) ? known(word).text : word)).join(" less ");
  const chosen = region ? `${what}, ${text}` : `${what}: ${numberText(value)}`;
  const said = target === targets[0].value ? text : chosen;
  return model === models[0] ? said : `${said}, ${model} weights`;
}
