import { mountExplorer } from "./app.js";
import { StaticSource } from "./static_source.js";

const pageData = JSON.parse(document.getElementById("explorer-data").textContent);
mountExplorer(document.getElementById("explorer"), new StaticSource(pageData), { whole: true });
