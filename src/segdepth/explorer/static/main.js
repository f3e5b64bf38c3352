import { mountExplorer } from "./app.js";
import { HttpSource } from "./source.js";

const token = new URLSearchParams(location.search).get("token") || "";
mountExplorer(document.getElementById("explorer"), new HttpSource(token), { whole: true });
