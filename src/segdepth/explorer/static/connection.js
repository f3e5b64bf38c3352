import { askJson, Unreachable } from "./source.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;

/** Knows whether anybody answers, and asks again by itself where nobody does. */
export class Connection {
  /**
   * @param {{ask: function}} source
   * @param {{lost: function(string), back: function(Object)}} on - `back` gets the session.
   */
  constructor(source, on) {
    Object.assign(this, { source, on, away: false });
  }

  /** Somebody found that nobody answers. */
  lost() {
    if (this.away) return;
    this.away = true;
    this.on.lost("The server does not answer. Trying again by itself …");
    this.retry(FIRST_PAUSE);
  }

  retry(pause) {
    setTimeout(async () => {
      try {
        const session = await askJson(this.source, "api/session", {});
        this.away = false;
        this.on.back(session);
      } catch (error) {
        if (!(error instanceof Unreachable)) this.on.lost(sentenceOf(error));
        this.retry(Math.min(pause * 1.6, LONGEST_PAUSE));
      }
    }, pause);
  }
}

/**
 * A mistake for the page.
 *
 * @param {Error} error
 * @returns {string}
 */
export function sentenceOf(error) {
  if (error.status === 401) return "This address needs the token that segdepth explore printed.";
  return error.message;
}
