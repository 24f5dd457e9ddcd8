import { describe, expect, it } from "vitest";
import { bytes, bytesOf, duration, percent, timeLeft } from "./format";
import { chooseLanguage } from "./messages";

/** Without telling kinds of spaces apart. */
const plain = (text: string) => text.replace(/\s/g, " ");

describe("bytes", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [31_440_000, "31.4 MB"],
    [99_950_000, "100 MB"],
    [999_499_999, "999 MB"],
    [999_500_000, "1.0 GB"],
    [5_200_000_000, "5.2 GB"],
  ])("%d is %s", (n, text) => expect(plain(bytes(n))).toBe(text));

  it("never breaks between the number and the unit", () => {
    expect(bytes(5e9)).toBe("5.0\u00a0GB");
  });

  it("are in one unit where one is of the other, and never more", () => {
    expect(plain(bytesOf(3_200_000, 5_200_000_000))).toBe("0.0 of 5.2 GB");
    expect(plain(bytesOf(430e6, 429e6))).toBe("429 of 429 MB");
  });

  it("are written as the language does", () => {
    chooseLanguage(["de-DE"]);
    expect(plain(bytes(31_440_000))).toBe("31,4 MB");
    expect(plain(percent(61.98))).toBe("61 %");
  });
});

describe("percent", () => {
  it("says 100 only when it is all of it", () => {
    expect(percent(99.99)).toBe("99%");
    expect(percent(100)).toBe("100%");
    expect(percent(104)).toBe("100%");
    expect(percent(-1)).toBe("0%");
  });
});

describe("durations", () => {
  it.each([
    [0.2, "1 second"],
    [89, "89 seconds"],
    [90, "2 minutes"],
    [3_600, "60 minutes"],
    [7_200, "2 hours"],
    [172_800, "2 days"],
  ])("%d seconds are %s", (n, text) => expect(plain(duration(n))).toBe(text));

  it("end in a moment", () => {
    expect(timeLeft(1)).toBe("a moment left");
    expect(plain(timeLeft(11.4))).toBe("11 seconds left");
  });
});
