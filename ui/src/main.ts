// Starts the window: the language first, because everything that is shown is written in it.

import { mount } from "svelte";
import "./app.css";
import App from "./App.svelte";
import { chooseLanguage, currentLanguage, t } from "./lib/messages";

chooseLanguage(navigator.languages);
document.documentElement.lang = currentLanguage();
document.title = t("app.name");

const target = document.getElementById("app");
if (target) mount(App, { target });
