/**
 * Asks over a notebook's own channel: `{id, path, params}` goes out, with the body as a buffer where there is one;
 * `{id, status, type}` comes back, with the answer as a buffer.
 */
export class WidgetSource {
  /** @param {{send: function, on: function, off: function}} model - anywidget's. */
  constructor(model) {
    this.model = model;
    this.name = crypto.getRandomValues(new Uint32Array(2)).join("-"); // another view of the same model hears our answers, too
    this.count = 0;
    this.waiting = new Map();
    this.listener = (message, buffers) => this.receive(message, buffers);
    model.on("msg:custom", this.listener);
  }

  async ask(path, params = {}, { body, signal } = {}) {
    const buffers = body === undefined ? [] : [await new Blob([body]).arrayBuffer()];
    const id = `${this.name}-${++this.count}`;
    const words = Object.fromEntries(new URLSearchParams(params));
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.waiting.delete(id);
        reject(new DOMException("No longer wanted.", "AbortError"));
      };
      if (signal && signal.aborted) return abort();
      if (signal) signal.addEventListener("abort", abort, { once: true });
      this.waiting.set(id, resolve);
      this.model.send({ id, path, params: words }, undefined, buffers);
    });
  }

  receive({ id, status, type }, buffers) {
    const resolve = this.waiting.get(id);
    if (resolve === undefined) return;
    this.waiting.delete(id);
    const { buffer, byteOffset, byteLength } = buffers[0] instanceof ArrayBuffer ? new Uint8Array(buffers[0]) : buffers[0];
    resolve({ status, type, bytes: buffer.slice(byteOffset, byteOffset + byteLength) });
  }

  /** Listen no more. */
  close() {
    this.model.off("msg:custom", this.listener);
  }
}
