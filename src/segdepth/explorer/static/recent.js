/** What was used least recently goes when there is no room. */
export class Recent {
  /** @param {number} room - in bytes. */
  constructor(room) {
    this.room = room;
    this.bytes = 0;
    this.items = new Map();
  }

  /** @returns {*} undefined where there is none. */
  get(key) {
    const item = this.items.get(key);
    if (item === undefined) return undefined;
    this.items.delete(key);
    this.items.set(key, item);
    return item.value;
  }

  /**
   * @param {string} key
   * @param {*} value
   * @param {number} bytes - that it takes.
   */
  put(key, value, bytes) {
    this.delete(key);
    this.items.set(key, { value, bytes });
    this.bytes += bytes;
    for (const oldest of this.items.keys()) {
      if (this.bytes <= this.room || oldest === key) break;
      this.delete(oldest);
    }
  }

  delete(key) {
    const item = this.items.get(key);
    if (item === undefined) return;
    this.bytes -= item.bytes;
    this.items.delete(key);
  }

  clear() {
    this.items.clear();
    this.bytes = 0;
  }
}
