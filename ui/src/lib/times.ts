// Moments as a person reads them, in local time. All of them take `now`, so that they can be shown anew as it passes.

import { formatter } from "./formatters";
import { currentLocale, t } from "./messages";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function dates(
  name: string,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  return formatter(
    `date ${name}`,
    (locale) => new Intl.DateTimeFormat(locale, options),
  );
}

/** `14:02` */
export function clock(moment: Date): string {
  return dates("clock", { timeStyle: "short" }).format(moment);
}

/** How many letters wide a clock can get, so that those of a list stand in one column. */
export function clockWidth(): number {
  return clock(new Date(2026, 0, 1, 22, 22)).length;
}

/** `23 Nov 2026, 14:02` */
export function shortExact(moment: Date): string {
  return dates("short exact", {
    dateStyle: "medium",
    timeStyle: "short",
  }).format(moment);
}

/** `Monday, 23 November 2026, 14:02:33` */
export function exact(moment: Date): string {
  return t("time.day-and-clock", {
    day: longDay(moment),
    time: dates("precise", { timeStyle: "medium" }).format(moment),
  });
}

/** `Monday, 23 November 2026` */
export function longDay(moment: Date): string {
  return dates("long", { dateStyle: "full" }).format(moment);
}

/** `Today`, `Yesterday`, `Saturday, 21 November`, and the year where it is another one. */
export function dayName(moment: Date, now: Date): string {
  const ago = daysBetween(moment, now);
  if (ago === 0 || ago === 1) {
    const name = relativeFormat().format(-ago, "day");
    return name.charAt(0).toLocaleUpperCase(currentLocale()) + name.slice(1);
  }
  if (moment.getFullYear() !== now.getFullYear()) return longDay(moment);
  return dates("day", {
    weekday: "long",
    day: "numeric",
    month: "long",
  }).format(moment);
}

/** `just now`, `4 minutes ago`, `yesterday`, `3 weeks ago` */
export function relative(moment: Date, now: Date): string {
  const ago = now.getTime() - moment.getTime();
  // Clocks of two machines differ a little; a backup is never shown as made in the near future.
  if (ago > -5 * MINUTE && ago < MINUTE) return t("time.just-now");
  const format = relativeFormat();
  const size = Math.abs(ago);
  const sign = ago < 0 ? 1 : -1;
  if (size < HOUR)
    return format.format(sign * Math.floor(size / MINUTE), "minute");
  if (size < DAY) return format.format(sign * Math.floor(size / HOUR), "hour");
  const days = Math.abs(daysBetween(moment, now));
  if (days < 14) return format.format(sign * days, "day");
  if (days < 60) return format.format(sign * Math.floor(days / 7), "week");
  if (days < 730)
    return format.format(sign * Math.floor(days / 30.44), "month");
  return format.format(sign * Math.floor(days / 365.25), "year");
}

/** How a sentence calls a backup: `of 14:02`, `of yesterday at 14:02`, `of 21 November at 14:02`. */
export function ofMoment(moment: Date, now: Date): string {
  const time = clock(moment);
  const ago = daysBetween(moment, now);
  if (ago === 0) return t("of.today", { time });
  if (ago === 1) return t("of.yesterday", { time });
  const sameYear = moment.getFullYear() === now.getFullYear();
  const date = sameYear
    ? shortDate(moment)
    : dates("date of a year", { dateStyle: "long" }).format(moment);
  return t("of.day", { date, time });
}

/** `21 November` */
export function shortDate(moment: Date): string {
  return dates("date", { day: "numeric", month: "long" }).format(moment);
}

/** Whole days between two moments by the local calendar, whatever the hours and the clock changes between them. */
export function daysBetween(earlier: Date, later: Date): number {
  return dayNumber(later) - dayNumber(earlier);
}

/** A number for the local day, the same from midnight to midnight. */
export function dayNumber(moment: Date): number {
  const midnight = Date.UTC(
    moment.getFullYear(),
    moment.getMonth(),
    moment.getDate(),
  );
  return Math.floor(midnight / DAY);
}

function relativeFormat(): Intl.RelativeTimeFormat {
  return formatter(
    "relative",
    (locale) => new Intl.RelativeTimeFormat(locale, { numeric: "auto" }),
  );
}
