// The window with invented data, to look at in a browser: `npm run dev`, then /dev/?state=NAME, and &lang=de.

import { mount } from "svelte";
import "../src/app.css";
import App from "../src/App.svelte";
import { chooseLanguage, currentLanguage } from "../src/lib/messages";
import { STATES } from "./states";

const wanted = new URLSearchParams(location.search);
const state = wanted.get("state") ?? "protected";
const language = wanted.get("lang");

chooseLanguage(language ? [language] : navigator.languages);
document.documentElement.lang = currentLanguage();

const prepare = STATES[state];
const target = document.getElementById("app");
if (!prepare || !target) {
  document.body.textContent = `States: ${Object.keys(STATES).join(", ")}`;
} else {
  const backend = prepare(new Date());
  Object.assign(window, { backend });
  mount(App, { target });
}
