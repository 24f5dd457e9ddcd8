// Looks texts up in the message files. Every text the window shows is in them; nothing here knows what a text is for.

import de from "./messages/de.json";
import en from "./messages/en.json";

export type Key = keyof typeof en;
export type Counted = Key extends infer K
  ? K extends `count.${infer Name}.other`
    ? `count.${Name}`
    : K extends `summary.stale.${infer Unit}.other`
      ? `summary.stale.${Unit}`
      : never
  : never;
export type Values = Record<string, string>;

const LANGUAGES = { en, de };
type Language = keyof typeof LANGUAGES;

let language: Language = "en";
let locale = "en-GB";
let plurals = new Intl.PluralRules(locale);
let numbers = new Intl.NumberFormat(locale);

/** Takes the first of the user's languages that there are messages for; English if there is none. */
export function chooseLanguage(wanted: readonly string[]): void {
  for (const tag of wanted) {
    const found = tag.toLowerCase().split("-")[0];
    if (found === "en" || found === "de") {
      return use(
        found,
        Intl.DateTimeFormat.supportedLocalesOf([tag])[0] ?? found,
      );
    }
  }
  // Dates of a third language inside English sentences would read worse than English ones.
  use("en", "en-GB");
}

function use(chosen: Language, variant: string): void {
  language = chosen;
  locale = variant;
  plurals = new Intl.PluralRules(locale);
  numbers = new Intl.NumberFormat(locale);
}

export function currentLanguage(): Language {
  return language;
}

/** For `Intl`: the user's own variant of the language, such as de-AT. */
export function currentLocale(): string {
  return locale;
}

/** The text for `key`, with each `{name}` replaced. */
export function t(key: Key, values: Values = {}): string {
  return LANGUAGES[language][key].replace(
    /\{(\w+)\}/g,
    (placeholder, name: string) => values[name] ?? placeholder,
  );
}

/** The text that fits this number: `{n}` is the number with separators. */
export function counted(key: Counted, n: number, values: Values = {}): string {
  const form = plurals.select(n) === "one" ? "one" : "other";
  const number = numbers.format(n);
  return t(`${key}.${form}` as Key, { ...values, n: number });
}
