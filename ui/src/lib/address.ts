// Addresses that a person types into Settings.

import type { Key } from "./messages";

export type Address = { ok: true; address: string } | { ok: false; why: Key };

/** Accepts `127.0.0.1:1000` too; what comes out is the scheme, the computer and the port. */
export function readAddress(text: string): Address {
  const typed = text.trim();
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed)
    ? typed
    : `http://${typed}`;
  if (typed === "" || !URL.canParse(withScheme)) {
    return { ok: false, why: "settings.other.invalid" };
  }
  const url = new URL(withScheme);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return { ok: false, why: "settings.other.scheme" };
  }
  const extra = url.username + url.password + url.search + url.hash;
  if (extra !== "" || url.pathname !== "/") {
    return { ok: false, why: "settings.other.extra" };
  }
  return { ok: true, address: url.origin };
}
