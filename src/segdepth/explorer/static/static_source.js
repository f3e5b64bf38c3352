import { writeContainer } from "./container.js";
import { resampled } from "./measures.js";

/**
 * Answers from data that the page itself has:
 *
 * - `session`: the protocol's.
 * - `replies`: by path and sorted parameters ("api/answer?model=trained&network=n0&picture=p0"), `{type, data}`.
 * - `maps`: one entry for all maps of a picture, network, model, target and method: these five, `size` [h, w] of the network,
 *   `stored` [h, w] of what is kept, `pixels` [[row, column], ...], for each its `heads` (what a map's head says besides) and `scales`
 *   (its largest value; null where a value is no finite number), and `data`: one byte a value, the root of its part of the scale, map
 *   after map.
 *
 * `data` is always base64 of what zlib made of the bytes.
 */
export class StaticSource {
  /** @param {{session: Object, replies: Object, maps: Object[]}} data */
  constructor(data) {
    this.data = data;
    this.opened = new Map();
  }

  async ask(path, params = {}) {
    if (path === "api/session") return jsonReply(200, this.data.session);
    if (path === "api/map") return this.map(params);
    const words = Object.entries(params).filter(([name]) => name !== "client").sort(([a], [b]) => (a < b ? -1 : 1));
    const found = this.data.replies[`${path}?${words.map((pair) => pair.join("=")).join("&")}`];
    if (found) return { status: 200, type: found.type, bytes: await unpacked(found.data) };
    if (path === "api/study") return { status: 204, type: "", bytes: new ArrayBuffer(0) };
    return jsonReply(404, { error: "This page has no server: it shows what was computed when it was written." });
  }

  async map(params) {
    const names = ["picture", "network", "model", "target", "method"];
    const series = this.data.maps.find((one) => names.every((name) => one[name] === params[name]));
    if (!series || params.region !== undefined) return jsonReply(404, { error: "This page has no maps of that." });
    const asked = [params.row, params.column];
    const away = series.pixels.map(([row, column]) => Math.hypot(row - asked[0], column - asked[1]));
    const index = away.indexOf(Math.min(...away));
    const [row, column] = series.pixels[index];
    const context = Object.fromEntries(names.map((name) => [name, series[name]]));
    const head = { ...series.heads[index], ...context, row, column, region: null, asked, exact: away[index] === 0 };
    const map = { data: resampled(await this.values(series, index), series.stored, series.size), shape: series.size };
    return { status: 200, type: "application/octet-stream", bytes: writeContainer(head, { map }) };
  }

  async values(series, index) {
    if (!this.opened.has(series)) this.opened.set(series, unpacked(series.data));
    const count = series.stored[0] * series.stored[1];
    const roots = new Uint8Array(await this.opened.get(series), index * count, count);
    const scale = series.scales[index] ?? NaN;
    return Float32Array.from(roots, (root) => scale * (root / 255) ** 2);
  }
}

function jsonReply(status, value) {
  return { status, type: "application/json", bytes: new TextEncoder().encode(JSON.stringify(value)).buffer };
}

async function unpacked(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}
