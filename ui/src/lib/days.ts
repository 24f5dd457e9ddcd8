// Puts a heading before the backups of each day. The order of the backups is the service's: newest first.

import type { BackupRow } from "./bindings";
import { dayNumber } from "./times";

export type Entry =
  | { kind: "day"; key: string; moment: Date }
  | { kind: "backup"; key: string; row: BackupRow; moment: Date; at: number };

export function byDay(rows: readonly BackupRow[]): Entry[] {
  const entries: Entry[] = [];
  let last: number | null = null;
  rows.forEach((row, at) => {
    const moment = new Date(row.backup.created.value);
    const day = dayNumber(moment);
    if (day !== last) {
      // Another service may list in another order, so a day can come up twice: the position keeps the keys apart.
      entries.push({ kind: "day", key: `day ${day} ${at}`, moment });
      last = day;
    }
    entries.push({ kind: "backup", key: row.backup.id, row, moment, at });
  });
  return entries;
}
