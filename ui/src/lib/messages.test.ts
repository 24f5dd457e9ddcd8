import { afterEach, describe, expect, it } from "vitest";
import {
  chooseLanguage,
  counted,
  currentLanguage,
  currentLocale,
  t,
} from "./messages";
import de from "./messages/de.json";
import en from "./messages/en.json";
import problems from "./messages/problems.de.json";

afterEach(() => chooseLanguage(["en-GB"]));

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

describe("message files", () => {
  it("have the same keys", () => {
    expect(Object.keys(de)).toEqual(Object.keys(en));
  });

  it("use the same placeholders in every language", () => {
    for (const [key, text] of Object.entries(en)) {
      expect(placeholders(de[key as keyof typeof de]), key).toEqual(
        placeholders(text),
      );
    }
  });

  it("say something for every key, and never shout", () => {
    for (const text of [en, de].flatMap((file) => Object.values(file))) {
      expect(text.trim()).not.toBe("");
      expect(text).not.toContain("!");
    }
  });

  it("have both number forms", () => {
    for (const key of Object.keys(en)) {
      if (key.endsWith(".one"))
        expect(en).toHaveProperty([key.replace(/one$/, "other")]);
      if (key.endsWith(".other") && key.startsWith("count."))
        expect(en).toHaveProperty([key.replace(/other$/, "one")]);
    }
  });

  it("hold no text that nothing shows", () => {
    const sources = import.meta.glob<string>(
      ["/src/**/*.{ts,svelte}", "!/src/**/*.test.ts", "!/src/lib/testing/**"],
      { query: "?raw", import: "default", eager: true },
    );
    const code = Object.values(sources).join("");
    const made = [...code.matchAll(/`([\w.-]+\.)\$\{/g)].map(
      ([, start]) => start,
    );
    const unused = Object.keys(en).filter((key) => {
      const name = key.replace(/\.(one|other)$/, "");
      return (
        !code.includes(`"${name}"`) &&
        !made.some((start) => start && key.startsWith(start))
      );
    });
    expect(unused).toEqual([]);
  });

  it("give every translated problem a message and a way out", () => {
    for (const [code, problem] of Object.entries(problems)) {
      expect(problem.message, code).not.toBe("");
      expect(problem.fix, code).not.toBe("");
    }
  });
});

describe("t", () => {
  it("fills placeholders, and leaves the ones it has no value for", () => {
    expect(t("bytes.of", { done: "1", total: "2 MB" })).toBe("1 of 2 MB");
    expect(t("bytes.of", { done: "1" })).toBe("1 of {total}");
  });

  it("does not take a value for a placeholder of its own", () => {
    expect(t("bytes.of", { done: "{total}", total: "$&" })).toBe(
      "{total} of $&",
    );
  });
});

describe("language", () => {
  it("is the first one of the user that there are messages for", () => {
    chooseLanguage(["fr-FR", "de-AT", "en-US"]);
    expect([currentLanguage(), currentLocale()]).toEqual(["de", "de-AT"]);
    expect(counted("count.backups", 1)).toBe("1 Sicherung");
    expect(counted("count.backups", 1234)).toBe(
      "1.234 Sicherungen".replace(".", sep("de-AT")),
    );
  });

  it("is English where there is none, and where the tag is broken", () => {
    chooseLanguage(["fr-FR"]);
    expect([currentLanguage(), currentLocale()]).toEqual(["en", "en-GB"]);
    chooseLanguage(["c", ""]);
    expect(currentLanguage()).toBe("en");
  });
});

function sep(locale: string): string {
  return (
    new Intl.NumberFormat(locale)
      .formatToParts(1234)
      .find((part) => part.type === "group")?.value ?? ""
  );
}
