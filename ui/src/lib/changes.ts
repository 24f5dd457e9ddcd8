// How much differs, in words.

import { counted, t, type Counted } from "./messages";

const KINDS = ["added", "changed", "removed"] as const;

/** `3 added, 14 changed`; only what there is. */
export function changed(
  counts: Record<(typeof KINDS)[number], number>,
): string {
  const words = KINDS.filter((kind) => counts[kind] > 0).map((kind) =>
    counted(`count.${kind}` as Counted, counts[kind]),
  );
  return words.length > 0 ? words.join(", ") : t("restore.parts.nothing");
}
