import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseLanguage } from "./messages";
import texts from "./messages/problems.de.json";
import { inWords } from "./problem";

/** What the parts of the program under the window say, and each with which code. */
const sources = import.meta.glob<string>(
  [
    "../../../crates/backup-engine/src/error.rs",
    "../../../crates/backup-manager/src/problem.rs",
    "../../../crates/backup-client/src/error.rs",
    "../../../src-tauri/src/**/*.rs",
  ],
  { query: "?raw", import: "default", eager: true },
);

/** Those of other services, which say why in words of their own. */
const IN_THEIR_OWN_WORDS = ["newer", "not-allowed", "not-found", "refused"];

const told = (code: string) =>
  inWords({ code, message: "in English", fix: "in English" });

describe("problems in German", () => {
  beforeEach(() => chooseLanguage(["de-DE"]));
  afterEach(() => chooseLanguage(["en-GB"]));

  it("promise nothing of the library where the service does not", () => {
    for (const code of ["failed", "failed-elsewhere"]) {
      expect(told(code).message, code).not.toBe("in English");
      expect(told(code).message, code).not.toMatch(/Bibliothek|verändert/);
    }
  });

  it("say where to look when the app's own service could not start", () => {
    const { message, fix } = told("service-not-started");
    expect(message).toMatch(/eigener Dienst konnte nicht starten/);
    expect(fix).toMatch(/Protokoll der App/);
  });

  it("have a text for each code there is", () => {
    const places = [
      /problem\(\s*"([a-z-]+)",/g,
      /code: "([a-z-]+)"/g,
      /_YET: &str = "([a-z-]+)"/g,
    ];
    const found = Object.entries(sources).flatMap(([file, source]) => {
      const errors = file.endsWith("error.rs");
      // Elsewhere such a line is no code.
      const within = errors
        ? (/fn code[\s\S]*?\n {4}\}/.exec(source)?.[0] ?? "")
        : source;
      return (errors ? [/=> "([a-z-]+)",/g] : places).flatMap((place) =>
        [...within.matchAll(place)].map(([, code]) => code ?? ""),
      );
    });
    const codes = [...new Set(found)];
    expect(codes.length).toBeGreaterThan(40);
    const without = codes.filter((code) => told(code).message === "in English");
    expect(without.sort()).toEqual(IN_THEIR_OWN_WORDS);
  });

  it("keep the facts of what is said in English", () => {
    const { message } = inWords({
      code: "no-space",
      message:
        "There is not enough space beside the library: 320 MB are needed, 12 MB are free. Nothing was changed.",
      fix: "",
    });
    expect(message).toMatch(/320 MB werden gebraucht, 12 MB sind frei/);
    const { message: general } = inWords({
      code: "no-space",
      message: "Something else.",
      fix: "",
    });
    expect(general).toMatch(/nicht genug Platz/);
  });

  it("know the English sentences as they are", () => {
    const rust = Object.values(sources)
      .join("")
      .replace(/\\u\{([0-9a-f]+)\}/g, (_, code: string) =>
        String.fromCodePoint(parseInt(code, 16)),
      );
    for (const words of Object.values(texts)) {
      const says = "says" in words ? words.says : {};
      for (const [english, german] of Object.entries(says)) {
        expect(rust).toContain(english);
        expect(german).toMatch(/\{\w*\}/);
      }
    }
  });
});
