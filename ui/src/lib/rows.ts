// Which part of a long list is in view. Heights are known beforehand, so nothing is measured and nothing jumps.

import type { Entry } from "./days";

export const DAY_HEIGHT = 36;
export const ROW_HEIGHT = 56;
/** Rows kept outside the view on either side, so that quick scrolling shows no gaps. */
const MARGIN = 6;

/** Where each entry starts; the last number is where the list ends. */
export function offsets(entries: readonly Entry[]): Float64Array {
  const starts = new Float64Array(entries.length + 1);
  entries.forEach((entry, at) => {
    const height = entry.kind === "day" ? DAY_HEIGHT : ROW_HEIGHT;
    starts[at + 1] = (starts[at] ?? 0) + height;
  });
  return starts;
}

/** The entries from `first` up to, not including, `end` touch the view or its margin. */
export function inView(
  starts: Float64Array,
  top: number,
  height: number,
): { first: number; end: number } {
  const count = starts.length - 1;
  const first = Math.max(0, entryAt(starts, top) - MARGIN);
  const end = Math.min(count, entryAt(starts, top + height) + 1 + MARGIN);
  return { first, end };
}

/** The entry that lies at a height: the last one that starts at or above it. */
function entryAt(starts: Float64Array, height: number): number {
  let low = 0;
  let high = Math.max(0, starts.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= height) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Where to scroll so that an entry can be seen, with its day's heading if it is the first of the day. */
export function scrollTo(
  starts: Float64Array,
  entries: readonly Entry[],
  at: number,
  top: number,
  height: number,
): number {
  const above = entries[at - 1]?.kind === "day" ? at - 1 : at;
  const from = starts[above] ?? 0;
  const to = starts[at + 1] ?? from;
  if (from < top) return from;
  if (to > top + height) return to - height;
  return top;
}
