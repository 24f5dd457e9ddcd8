import { describe, expect, it } from "vitest";
import { byDay } from "./days";
import { DAY_HEIGHT, ROW_HEIGHT, inView, offsets, scrollTo } from "./rows";
import { manyRows } from "./testing/fixtures";
import { NOW } from "./testing/setup";

const entries = byDay(manyRows(1000, NOW));
const starts = offsets(entries);

describe("a long list", () => {
  it("shows what touches the view, and a little around it, at any height", () => {
    const end = starts.at(-1) ?? 0;
    for (let top = 0; top <= end - 600; top += 97) {
      const { first, end: last } = inView(starts, top, 600);
      expect(starts[first]).toBeLessThanOrEqual(top);
      expect(starts[last]).toBeGreaterThanOrEqual(top + 600);
      expect(last - first).toBeLessThan(30);
    }
  });

  it("has nothing in view when it is empty", () => {
    expect(inView(offsets([]), 0, 600)).toEqual({ first: 0, end: 0 });
  });

  it("scrolls only as far as it has to", () => {
    const at = 5;
    const from = starts[at] ?? 0;
    expect(scrollTo(starts, entries, at, 0, 600)).toBe(0);
    expect(scrollTo(starts, entries, at, from + 500, 600)).toBe(from);
    expect(scrollTo(starts, entries, 50, 0, 600)).toBe((starts[51] ?? 0) - 600);
  });

  it("shows the day with its first backup", () => {
    expect(entries[0]?.kind).toBe("day");
    expect(scrollTo(starts, entries, 1, 5000, 600)).toBe(0);
    expect(starts[2]).toBe(DAY_HEIGHT + ROW_HEIGHT);
  });

  it("keeps its keys apart where a service lists in another order", () => {
    const rows = manyRows(40, NOW);
    const mixed = byDay([...rows, ...rows.toReversed()].slice(0, 60));
    const days = mixed.filter((entry) => entry.kind === "day");
    expect(new Set(days.map((day) => day.key)).size).toBe(days.length);
  });
});
