// Looking into one backup: a folder of it at a time, and what has changed since, each page by page.

import {
  commands,
  type Difference,
  type Entry,
  type Problem,
} from "./bindings";
import { ask, type Answer } from "./problem";

/** What comes in pages, as far as it was asked for. */
export class Pages<T> {
  /** Null before the first page has come. */
  items = $state.raw<T[] | null>(null);
  problem = $state.raw<Problem | null>(null);
  loading = $state(false);
  #next = $state.raw<string | null>(null);
  #read: (after: string | null) => Promise<Answer<Page<T>>>;

  constructor(read: (after: string | null) => Promise<Answer<Page<T>>>) {
    this.#read = read;
  }

  get more(): boolean {
    return this.#next !== null;
  }

  /** The first page, or the next one; after a failure the same one again. */
  async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    this.problem = null;
    const answer = await this.#read(this.#next);
    this.loading = false;
    if (!answer.ok) {
      this.problem = answer.problem;
      return;
    }
    this.items = [...(this.items ?? []), ...answer.data.items];
    this.#next = answer.data.next ?? null;
  }
}

type Page<T> = { items: T[]; next?: string | null };

export class Browsing {
  readonly backup: string;
  show = $state<"contents" | "changes">("contents");
  /** The folder that is shown; empty for the whole backup. */
  path = $state("");
  entries = $state.raw<Pages<Entry>>(this.#folder(""));
  /** Null before they were asked for. */
  changes = $state.raw<Pages<Difference> | null>(null);

  constructor(backup: string) {
    this.backup = backup;
  }

  /** The folders above the one that is shown, and it itself, each with its path. */
  get way(): string[] {
    if (this.path === "") return [];
    const names = this.path.split("/");
    return names.map((_, at) => names.slice(0, at + 1).join("/"));
  }

  open(path: string): Promise<void> {
    this.path = path;
    this.entries = this.#folder(path);
    return this.entries.load();
  }

  async compare(): Promise<void> {
    this.show = "changes";
    this.changes ??= new Pages<Difference>((after) =>
      ask(commands.changesSince(this.backup, after)),
    );
    if (!this.changes.items) await this.changes.load();
  }

  #folder(path: string): Pages<Entry> {
    return new Pages((after) =>
      ask(commands.entries(this.backup, path, after)),
    );
  }
}
