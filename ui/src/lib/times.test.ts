import { describe, expect, it } from "vitest";
import { NOW } from "./testing/setup";
import { clockWidth, dayName, daysBetween, ofMoment, relative } from "./times";
import { chooseLanguage } from "./messages";

const HOUR = 3_600_000;
const ago = (hours: number) => new Date(NOW.getTime() - hours * HOUR);

describe("relative", () => {
  it.each([
    [0, "just now"],
    [1 / 30, "2 minutes ago"],
    [0.99, "59 minutes ago"],
    [23.9, "23 hours ago"],
    [24, "yesterday"],
    [13 * 24, "13 days ago"],
    [30 * 24, "4 weeks ago"],
    [100 * 24, "3 months ago"],
    [800 * 24, "2 years ago"],
  ])("%d hours ago is %s", (hours, text) =>
    expect(relative(ago(hours), NOW)).toBe(text),
  );

  it("takes a clock that runs a little ahead for the present", () => {
    expect(relative(ago(-0.05), NOW)).toBe("just now");
    expect(relative(ago(-2), NOW)).toBe("in 2 hours");
  });
});

describe("days", () => {
  it("are those of the calendar, not spans of 24 hours", () => {
    const midnight = new Date("2026-11-23T00:00:30Z");
    const before = new Date("2026-11-22T23:59:30Z");
    expect(daysBetween(before, midnight)).toBe(1);
    expect(dayName(before, midnight)).toBe("Yesterday");
    expect(dayName(midnight, midnight)).toBe("Today");
  });

  it("have a name, and a year where it is another one", () => {
    expect(dayName(ago(48), NOW)).toMatch(/^Saturday,? 21 November$/);
    expect(dayName(ago(365 * 24), NOW)).toMatch(/23 November 2025$/);
  });
});

describe("a backup in a sentence", () => {
  it("is called by as much of its date as is needed", () => {
    expect(ofMoment(ago(2), NOW)).toBe("of 14:16");
    expect(ofMoment(ago(24), NOW)).toBe("of yesterday at 16:16");
    expect(ofMoment(ago(48), NOW)).toBe("of 21 November at 16:16");
    expect(ofMoment(ago(365 * 24), NOW)).toBe("of 23 November 2025 at 16:16");
  });
});

describe("the column of clocks", () => {
  it("is as wide as the longest in the language", () => {
    expect(clockWidth()).toBe(5);
    chooseLanguage(["en-US"]);
    expect(clockWidth()).toBe(8);
  });
});
