// Keeps the formatters of `Intl`: making one costs a hundred times what using it does, and long lists use them a lot.

import { currentLocale } from "./messages";

const made = new Map<string, unknown>();

/** The formatter of this name for the user's locale. Each name stands for the same options always. */
export function formatter<Formatter>(
  name: string,
  make: (locale: string) => Formatter,
): Formatter {
  const locale = currentLocale();
  const key = `${locale} ${name}`;
  let found = made.get(key) as Formatter | undefined;
  if (found === undefined) {
    found = make(locale);
    made.set(key, found);
  }
  return found;
}
