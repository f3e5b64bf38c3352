import { questionOf } from "./maps.js";
import { askJson } from "./source.js";
import { bytesText } from "./writing.js";

/** Which picture is open, and how others come: dropped, pasted, chosen, or masked. */
export class Opening {
  /**
   * @param {Explorer} app
   * @param {EventTarget} target - where pictures may be dropped or pasted.
   */
  constructor(app, target) {
    this.app = app;
    const files = (event) => [...((event.dataTransfer || event.clipboardData || {}).files || [])];
    const dropping = (is) => app.root.classList.toggle("dropping", is);
    target.addEventListener("dragover", (event) => {
      event.preventDefault();
      dropping(true);
    });
    target.addEventListener("dragleave", (event) => event.relatedTarget || dropping(false));
    target.addEventListener("drop", (event) => {
      event.preventDefault();
      dropping(false);
      if (files(event).length) this.send(files(event)[0]);
    });
    target.addEventListener("paste", (event) => files(event).length && this.send(files(event)[0]));
  }

  /**
   * Open a picture that the session knows.
   *
   * @param {string} id
   * @param {string|null} [original] - what it was made of.
   */
  open(id, original = null) {
    this.app.store.set({ picture: id, original });
  }

  /** Open the picture again that a masked one was made of. */
  back() {
    this.open(this.app.store.state.original);
  }

  /**
   * Open a picture of this computer.
   *
   * @param {File} file
   */
  async send(file) {
    const { session, notices, source } = this.app;
    if (!session.can.drop) return;
    const most = session.limits.bytes;
    if (file.size > most) notices.say(`${file.name} is larger than ${bytesText(most)}.`, true);
    else await this.opened(() => askJson(source, "api/pictures", { name: file.name }, { body: file }), null);
  }

  /**
   * Open the picture without what a map calls salient, or with nothing else.
   *
   * @param {string} network
   * @param {string} action - "delete" or "keep".
   * @param {number} share - of the pixels, 0 to 1.
   */
  async mask(network, action, share) {
    const { store, data, source } = this.app;
    const { state } = store;
    const answer = data.answer(network);
    if (!answer || !state.asked) return;
    const { params } = questionOf(state, network, state.models[network], state.asked, answer.head.size);
    const ask = () => askJson(source, "api/masked", { ...params, action, share }, { body: "" });
    await this.opened(ask, state.original || state.picture);
  }

  async opened(ask, original) {
    const { session } = this.app;
    try {
      const { picture } = await ask();
      if (!session.pictures.some(({ id }) => id === picture.id)) session.pictures.push(picture);
      this.open(picture.id, original);
    } catch (error) {
      this.app.failed(error);
    }
  }

  /** The open picture went out of the server's memory. */
  gone() {
    const { session, store } = this.app;
    session.pictures = session.pictures.filter(({ id }) => id !== store.state.picture);
    if (session.pictures.length) this.open(session.pictures[0].id);
  }
}
