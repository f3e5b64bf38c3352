import { element } from "./dom.js";

/** What the page tells: a line that stays until all is well, one that goes by itself, and what is read aloud. */
export class Notices {
  constructor() {
    this.banner = element("p.banner", { role: "alert", hidden: true });
    this.toast = element("p.toast", { role: "status", hidden: true });
    this.live = element("p.unseen", { "aria-live": "polite" });
  }

  /** @param {string|null} text - that stays; null: all is well. */
  warn(text) {
    this.banner.textContent = text || "";
    this.banner.hidden = !text;
  }

  /**
   * @param {string} text - that goes by itself.
   * @param {boolean} [problem]
   */
  say(text, problem = false) {
    this.toast.textContent = text;
    this.toast.classList.toggle("problem", problem);
    this.toast.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.toast.hidden = true), problem ? 9000 : 3000);
  }

  /** @param {string} text - for a person who cannot see the panels. */
  speak(text) {
    if (text !== this.live.textContent) this.live.textContent = text;
  }
}
