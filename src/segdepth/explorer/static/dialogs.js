import { button, element } from "./dom.js";
import { KEYS } from "./keyboard.js";

/**
 * Copy a text, where the browser lets a page do so.
 *
 * @param {string} text
 * @returns {Promise<boolean>} whether it did.
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function openDialog(root, title, ...children) {
  const before = document.activeElement;
  const dialog = element("dialog", { "aria-label": title }, element(
    "header", {}, element("h2", {}, title), button("✕", () => dialog.close(), { "aria-label": "Close", class: "icon" }),
  ), ...children);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before && before.isConnected) before.focus();
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  root.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Show what the keys do. */
export function showKeys(root) {
  const rows = KEYS.map(([keys, text]) => [element("dt", {}, element("kbd", {}, keys)), element("dd", {}, text)]);
  openDialog(
    root, "Keys", element("dl.keys", {}, rows),
    element("p.quiet", {}, "Pointing at picture, answer or truth asks for a map; pointing at a map reads its values."),
  );
}

/**
 * Show texts that can be copied.
 *
 * @param {HTMLElement} root
 * @param {string} title
 * @param {{name: string, text: string}[]} texts
 */
export function showTexts(root, title, texts) {
  openDialog(root, title, texts.map(({ name, text }) => {
    const area = element("textarea", { readonly: true, rows: Math.min(text.split("\n").length + 1, 14), "aria-label": name, spellcheck: "false" });
    area.value = text;
    const copy = button(`Copy ${name}`, async () => {
      area.select();
      copy.textContent = (await copyText(text)) ? "Copied" : "Press Ctrl+C";
    });
    return element("section", {}, element("header", {}, element("h3", {}, name), copy), area);
  }));
}
