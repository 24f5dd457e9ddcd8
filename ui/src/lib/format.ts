// Sizes, counts and durations as a person reads them. Times of day are in times.ts.

import { formatter } from "./formatters";
import { counted, t } from "./messages";

const NO_BREAK = "\u00a0";
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Powers of ten, three digits at most: `31.4 MB`, `312 MB`, `5.2 GB`. */
export function bytes(n: number): string {
  const unit = unitOf(n);
  return `${amount(n, unit)}${NO_BREAK}${UNITS[unit]}`;
}

/** `3.2 of 5.2 GB`: both in the unit of the total. */
export function bytesOf(done: number, total: number): string {
  const unit = unitOf(total);
  // As many digits as the total has, so that the number does not jump in width as it grows.
  const digits = decimals(total, unit);
  return t("bytes.of", {
    done: amount(Math.min(done, total), unit, digits),
    total: bytes(total),
  });
}

export function rate(bytesPerSecond: number): string {
  return t("bytes.rate", { amount: bytes(bytesPerSecond) });
}

export function number(n: number): string {
  return numbers("plain", {}).format(n);
}

/** Whole percent, and 100 only when it is all of it. */
export function wholePercent(value: number): number {
  return Math.max(0, Math.min(100, Math.floor(value)));
}

/** `61%` */
export function percent(value: number): string {
  return numbers("percent", { style: "percent" }).format(
    wholePercent(value) / 100,
  );
}

/** `11 seconds left`. Longer ones are rounded more, because they are estimates. */
export function timeLeft(seconds: number): string {
  if (seconds < 1.5) return t("time.left.moment");
  return t("time.left", { duration: duration(seconds) });
}

/** `4 seconds`, `3 minutes`, `2 hours`. */
export function duration(seconds: number): string {
  if (seconds < 90) return unit("second", Math.max(1, Math.round(seconds)));
  if (seconds < 90 * 60) return unit("minute", Math.round(seconds / 60));
  if (seconds < 36 * 3600) return unit("hour", Math.round(seconds / 3600));
  return unit("day", Math.round(seconds / 86_400));
}

export function snippets(n: number): string {
  return counted("count.snippets", n);
}

export function backups(n: number): string {
  return counted("count.backups", n);
}

function unit(name: "second" | "minute" | "hour" | "day", n: number): string {
  return numbers(name, {
    style: "unit",
    unit: name,
    unitDisplay: "long",
  }).format(n);
}

function unitOf(n: number): number {
  // From 999.5 on, rounding would give a fourth digit.
  let unit = 0;
  while (unit < UNITS.length - 1 && n / 1000 ** unit >= 999.5) unit += 1;
  return unit;
}

function decimals(n: number, unit: number): number {
  return unit === 0 || n / 1000 ** unit >= 99.95 ? 0 : 1;
}

function amount(n: number, unit: number, digits = decimals(n, unit)): string {
  return numbers(`${digits} digits`, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(n / 1000 ** unit);
}

function numbers(
  name: string,
  options: Intl.NumberFormatOptions,
): Intl.NumberFormat {
  return formatter(
    `number ${name}`,
    (locale) => new Intl.NumberFormat(locale, options),
  );
}
