import { copyText, showTexts } from "./dialogs.js";
import { questionOf } from "./maps.js";
import { askJson } from "./source.js";

/**
 * Copy the address that restores what is seen.
 *
 * @param {Explorer} app
 */
export async function copyLink(app) {
  app.settle();
  if (await copyText(location.href)) app.notices.say("The link is copied.");
  else showTexts(app.root, "Link", [{ name: "link", text: location.href }]);
}

/**
 * Show the maps that are asked for as Python and as commands.
 *
 * @param {Explorer} app
 */
export async function showCode(app) {
  const { state } = app.store;
  const texts = [];
  try {
    for (const network of state.networks) {
      const answer = app.data.answer(network);
      if (!answer || !state.asked || !app.network(network).source) continue; // a network that nobody named has no code
      const { params } = questionOf(state, network, state.models[network], state.asked, answer.head.size);
      const { python, command } = await askJson(app.source, "api/code", params);
      const { name } = app.network(network);
      texts.push({ name: `Python, ${name}`, text: python });
      if (command !== null) texts.push({ name: `command, ${name}`, text: command });
    }
    if (texts.length) showTexts(app.root, "This map as code", texts);
  } catch (error) {
    app.failed(error);
  }
}
