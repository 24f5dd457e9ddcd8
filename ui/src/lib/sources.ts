// The folders beside the library, in words.

import type { SourceRecord } from "./bindings";
import { t } from "./messages";

/** How many files are named at most; a longer list is of no use to anybody. */
const NAMED = 200;

/** The last part of its path, which is what a person calls it. */
export function folderName({ path }: { path: string }): string {
  return path.split(/[/\\]/).filter(Boolean).at(-1) ?? path;
}

/** The same, or the whole path where another one of them is called the same. */
export function sourceName(
  source: SourceRecord,
  sources: SourceRecord[],
): string {
  const name = folderName(source);
  const same = sources.filter((one) => folderName(one) === name);
  return same.length > 1 ? source.path : name;
}

/** What a part of a backup is called: a folder by its name, the library by its own. */
export function partName(id: string, sources: SourceRecord[]): string {
  if (id === "library") return t("part.library");
  const source = sources.find((one) => one.id === id);
  return source ? sourceName(source, sources) : id;
}

/** The files that could not be read, as far as they are named, each with the folder it is in. */
export function unreadFiles(
  sources: SourceRecord[],
): { path: string; why: string }[] {
  const all = sources.flatMap((source) =>
    (source.unread ?? []).map(({ path, why }) => ({
      // The folder itself in the place of its name in the backup.
      path: source.path + path.slice(source.id.length),
      why,
    })),
  );
  return all.slice(0, NAMED);
}
