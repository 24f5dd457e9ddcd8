// Finds backups by words: each word has to occur in the device, the date, the size or the version.

import type { BackupRow } from "./bindings";
import { bytes } from "./format";
import { clock, dayName, dayNumber, longDay } from "./times";

/** Remembers what can be searched of each backup, because writing out ten thousand dates takes a while. */
export class Search {
  #texts = new WeakMap<BackupRow, string>();
  #days = new Map<number, string>();
  #today: number | null = null;

  find(rows: readonly BackupRow[], query: string, now: Date): BackupRow[] {
    const words = plain(query).split(" ").filter(Boolean);
    if (words.length === 0) return [...rows];
    // "Today" means another day after midnight.
    if (this.#today !== dayNumber(now)) {
      this.#texts = new WeakMap();
      this.#days.clear();
    }
    this.#today = dayNumber(now);
    return rows.filter((row) => {
      const text = this.#textOf(row, now);
      return words.every((word) => text.includes(word));
    });
  }

  #textOf(row: BackupRow, now: Date): string {
    let text = this.#texts.get(row);
    if (text === undefined) {
      const { backup } = row;
      const moment = new Date(backup.created.value);
      text = plain(
        [
          backup.device_name,
          this.#dayOf(moment, now),
          clock(moment),
          bytes(backup.bytes),
          backup.version,
        ].join(" "),
      );
      this.#texts.set(row, text);
    }
    return text;
  }

  #dayOf(moment: Date, now: Date): string {
    const day = dayNumber(moment);
    let text = this.#days.get(day);
    if (text === undefined) {
      text = `${dayName(moment, now)} ${longDay(moment)}`;
      this.#days.set(day, text);
    }
    return text;
  }
}

/** Without capitals, commas and kinds of spaces, none of which anybody types exactly. */
function plain(text: string): string {
  return text.toLocaleLowerCase().replace(/[\s\u00a0\u202f,]+/g, " ");
}
