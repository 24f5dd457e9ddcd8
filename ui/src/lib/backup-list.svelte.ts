// The list of backups: what is in it, what of it is shown, which one is chosen, and deleting with a way back.

import { untrack } from "svelte";
import { commands, type BackupRow, type Problem } from "./bindings";
import type { Clock } from "./clock.svelte";
import { byDay } from "./days";
import { t } from "./messages";
import { ask } from "./problem";
import { Search } from "./search";
import { ofMoment } from "./times";
import type { Toasts } from "./toasts.svelte";

export class BackupList {
  /** As the service listed them last; null before it ever did. */
  rows = $state.raw<BackupRow[] | null>(null);
  /** Why the service could not list them the last time it was asked. */
  problem = $state.raw<Problem | null>(null);
  query = $state("");
  selected = $state<string | null>(null);
  /** Whether the details lie over the list, where there is no room beside it. */
  detailsOpen = $state(false);

  #deleting = $state.raw<ReadonlySet<string>>(new Set());
  #search = new Search();
  /** What was asked for from outside and has not been found yet. */
  #revealed: string | null = null;
  #loads = 0;
  /** Deletions and their undoing go one after the other: a service refuses a second one while the first runs. */
  #turn: Promise<unknown> = Promise.resolve();
  #clock: Clock;
  #toasts: Toasts;

  constructor(clock: Clock, toasts: Toasts) {
    this.#clock = clock;
    this.#toasts = toasts;
  }

  /** Everything there is, without what is being deleted. */
  all = $derived.by(() => {
    const rows = this.rows ?? [];
    if (this.#deleting.size === 0) return rows;
    return rows.filter((row) => !this.#deleting.has(row.backup.id));
  });

  found = $derived.by(() => {
    void this.#clock.today;
    const now = untrack(() => this.#clock.now);
    return this.#search.find(this.all, this.query, now);
  });

  entries = $derived(byDay(this.found));

  /** The chosen backup, or the newest while none is chosen. */
  chosen = $derived(
    this.found.find((row) => row.backup.id === this.selected) ??
      this.found[0] ??
      null,
  );

  async load(): Promise<void> {
    const load = ++this.#loads;
    const answer = await ask(commands.backups());
    // Only the newest question counts; an older answer may arrive after it.
    if (load !== this.#loads) return;
    if (answer.ok) this.rows = once(answer.data);
    this.problem = answer.ok ? null : answer.problem;
    this.#lookForRevealed();
  }

  /** Another one in the place of one that is gone would be taken for it. */
  #lookForRevealed(): void {
    const id = this.#revealed;
    if (id === null || this.rows === null) return;
    this.#revealed = null;
    if (this.row(id)) return;
    this.selected = null;
    this.detailsOpen = false;
    this.#toasts.show({ tone: "plain", text: t("backups.gone") });
  }

  /** Forgets what another service has listed. */
  clear(): void {
    this.#loads += 1;
    this.rows = null;
    this.problem = null;
    this.query = "";
    this.selected = null;
    this.detailsOpen = false;
  }

  row(id: string): BackupRow | null {
    return this.rows?.find((row) => row.backup.id === id) ?? null;
  }

  moment(id: string): Date | null {
    const row = this.row(id);
    return row ? new Date(row.backup.created.value) : null;
  }

  /** Makes sure that a backup can be seen, and chooses it. */
  reveal(id: string): void {
    this.query = "";
    this.selected = id;
    this.detailsOpen = true;
    this.#revealed = id;
    // One that was just made may not be listed yet.
    if (this.row(id)) this.#revealed = null;
    else if (this.rows) void this.load();
  }

  /** Moves the choice by so many rows. */
  move(by: number): void {
    const at = this.found.findIndex((row) => row === this.chosen);
    const to = Math.max(0, Math.min(this.found.length - 1, at + by));
    this.selected = this.found[to]?.backup.id ?? null;
  }

  /** Deletes at once. With `undoable`, a message offers the way back. */
  async delete(row: BackupRow, undoable: boolean): Promise<void> {
    const { id } = row.backup;
    const name = ofMoment(new Date(row.backup.created.value), this.#clock.now);
    this.#chooseBeside(id);
    this.detailsOpen = false;
    this.#deleting = new Set(this.#deleting).add(id);
    const answer = await this.#inTurn(() => ask(commands.deleteBackup(id)));
    if (answer.ok) {
      this.rows = this.rows?.filter((row) => row.backup.id !== id) ?? null;
      this.#toasts.show({
        tone: "plain",
        text: t("backups.deleted", { of: name }),
        ...(undoable ? { undo: () => void this.#undelete(id, name) } : {}),
      });
      void this.load();
    } else {
      this.#toasts.fail(answer.problem);
    }
    this.#deleting = new Set([...this.#deleting].filter((one) => one !== id));
  }

  async #undelete(id: string, name: string): Promise<void> {
    const answer = await this.#inTurn(() => ask(commands.undeleteBackup(id)));
    if (!answer.ok) {
      return this.#toasts.fail(
        answer.problem,
        () => void this.#undelete(id, name),
      );
    }
    await this.load();
    this.selected = id;
    this.#toasts.show({
      tone: "plain",
      text: t("backups.restored", { of: name }),
    });
  }

  /** `call` must not throw. */
  #inTurn<T>(call: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(call);
    this.#turn = result;
    return result;
  }

  /** The next one takes the place of the one that goes; the one before it at the end of the list. */
  #chooseBeside(id: string): void {
    const at = this.found.findIndex((row) => row.backup.id === id);
    const beside = this.found[at + 1] ?? this.found[at - 1];
    this.selected = beside?.backup.id ?? null;
  }
}

/** Another service may list a backup twice; its id names one all the same. */
function once(rows: BackupRow[]): BackupRow[] {
  const seen = new Set<string>();
  return rows.filter(({ backup: { id } }) => !seen.has(id) && seen.add(id));
}
