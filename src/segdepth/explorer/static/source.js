/**
 * What stands between the page and its data. A source has one method,
 * `ask(path, params, {body, signal}) -> Promise<{status, type, bytes}>`; it rejects with an AbortError where the signal says so, and
 * with `Unreachable` where nobody answers. What it answers is the protocol's, whoever it is.
 */

/** Nobody answers. */
export class Unreachable extends Error {}

/** An answer that is a mistake: its sentence, and its status. */
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** Asks a server at addresses relative to the page. */
export class HttpSource {
  /**
   * @param {string} token - that the printed address has.
   * @param {string} [base] - the page's address.
   */
  constructor(token, base = document.baseURI) {
    this.token = token;
    this.base = base;
  }

  async ask(path, params = {}, { body, signal } = {}) {
    const address = new URL(path, this.base);
    address.search = new URLSearchParams(params);
    address.hash = "";
    const headers = { Authorization: `Bearer ${this.token}` };
    try {
      const response = await fetch(address, { method: body === undefined ? "GET" : "POST", headers, body, signal });
      const type = response.headers.get("content-type") || "";
      return { status: response.status, type, bytes: await response.arrayBuffer() };
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Unreachable("The server does not answer.");
    }
  }
}

/**
 * An answer that is none of a mistake.
 *
 * @param {{ask: function}} source
 * @param {string} path
 * @param {Object} params
 * @param {{body?: BodyInit, signal?: AbortSignal}} [options]
 * @returns {Promise<ArrayBuffer|null>} null where there is nothing (204).
 * @throws {Refused} with the server's sentence.
 */
export async function askBytes(source, path, params, options) {
  const { status, type, bytes } = await source.ask(path, params, options);
  if (status === 204) return null;
  if (status < 400) return bytes;
  if (status === 502 || status === 504) throw new Unreachable("The server does not answer.");
  let text = `The server refused (${status}).`;
  if (type.includes("json")) text = JSON.parse(new TextDecoder().decode(bytes)).error || text;
  throw new Refused(status, text);
}

/**
 * The same, of JSON.
 *
 * @returns {Promise<Object|null>}
 */
export async function askJson(source, path, params, options) {
  const bytes = await askBytes(source, path, params, options);
  return bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes));
}
