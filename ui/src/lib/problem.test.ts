import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseLanguage } from "./messages";
import { inWords } from "./problem";

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
});
