// One restore sheet from the preview to the end: choosing, looking, replacing, undoing.

import {
  commands,
  type Job,
  type Preview,
  type Problem,
  type Restore,
  type View,
  type What,
} from "./bindings";
import { isRunning } from "./jobs";
import { ask } from "./problem";

export type Step =
  /** Shows what a restore would do. */
  | "preview"
  /** A restore was asked for and has not shown up yet, or runs. */
  | "restoring"
  /** The same for undoing it. */
  | "undoing"
  | "ended";

const TYPED_AFTER = 300;

/** What a sheet needs of the window around it. */
export type Around = {
  view: () => View | null;
  undone: () => void;
};

export class Restoring {
  readonly backup: string;
  step = $state<Step>("preview");
  what = $state.raw<What>("everything");
  /** Into which folder; null for back in place, and empty before it is known. */
  folder = $state<string | null>(null);
  /** Null while it is looked for, and where there is none. */
  preview = $state.raw<Preview | null>(null);
  /** The service cannot say beforehand. */
  unforeseen = $state(false);
  /** Why the preview, or the start of a job, failed. */
  problem = $state.raw<Problem | null>(null);
  job = $state.raw<Job | null>(null);

  /** The job that was known before ours started, so that the two are not mixed up. */
  #before: string | null = null;
  #looks = 0;
  #typing: ReturnType<typeof setTimeout> | undefined;
  #around: Around;

  constructor(backup: string, around: Around, chosen?: Restore) {
    this.backup = backup;
    this.#around = around;
    this.what = chosen?.what ?? "everything";
    this.folder = chosen?.folder ?? null;
    const job = around.view()?.job ?? null;
    if (
      job &&
      isRunning(job) &&
      job.kind === "restoration" &&
      job.backup === backup
    ) {
      this.step = "restoring";
      this.job = job;
    }
  }

  /** Whether the service can restore a part, or into a folder. */
  get parts(): boolean {
    return this.#around.view()?.features.includes("restore-parts") ?? false;
  }

  /** Whether it is said where to. */
  get placed(): boolean {
    return this.folder === null || this.folder.trim() !== "";
  }

  async look(): Promise<void> {
    if (this.step !== "preview") return;
    const look = ++this.#looks;
    clearTimeout(this.#typing);
    this.problem = null;
    if (!this.placed) return;
    const answer = await ask(
      this.parts
        ? commands.previewParts(this.backup, this.choice)
        : commands.previewRestore(this.backup),
    );
    // Another choice may have been made meanwhile.
    if (look !== this.#looks) return;
    if (answer.ok) this.preview = answer.data;
    else if (answer.problem.code === "unsupported") this.unforeseen = true;
    else this.problem = answer.problem;
  }

  /** What was seen of another choice does not hold for this one. */
  choose(choice: { what?: What; folder?: string | null }): Promise<void> {
    if (choice.what !== undefined) this.what = choice.what;
    if (choice.folder !== undefined) this.folder = choice.folder;
    this.preview = null;
    return this.look();
  }

  /** A path that is still being typed is looked at when nothing has come for a moment. */
  type(folder: string): void {
    this.folder = folder;
    this.preview = null;
    this.problem = null;
    this.#looks += 1;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => void this.look(), TYPED_AFTER);
  }

  async restore(): Promise<void> {
    await this.#start("restoring", () =>
      this.parts
        ? commands.restoreParts(this.backup, this.choice)
        : commands.restore(this.backup),
    );
  }

  async undo(): Promise<void> {
    await this.#start("undoing", () => commands.undoRestore());
  }

  /** Takes what concerns this sheet out of the newest view. */
  follow(view: View): void {
    const { job } = view;
    if (!job || job.id === this.#before) return;
    // A notification can undo the restore while the sheet still shows its end.
    const undone = job.kind === "undo" && job.id !== this.job?.id;
    if (this.step === "ended" && undone) this.step = "undoing";
    const ours =
      this.step === "restoring"
        ? job.kind === "restoration" && job.backup === this.backup
        : this.step === "undoing" && job.kind === "undo";
    if (!ours) return;
    this.job = job;
    if (!isRunning(job)) this.#end();
  }

  /** What was chosen in this sheet. */
  get choice(): Restore {
    return this.folder === null
      ? { what: this.what }
      : { what: this.what, folder: this.folder.trim() };
  }

  async #start(
    step: "restoring" | "undoing",
    command: () => ReturnType<typeof commands.restore>,
  ): Promise<void> {
    const back = this.step;
    const last = this.job;
    this.#before = this.#around.view()?.job?.id ?? null;
    this.job = null;
    this.problem = null;
    this.step = step;
    const answer = await ask(command());
    // Undoing answers when it is done, so the view may have told already how it went, or may never tell.
    if (this.step !== step || this.job) return;
    if (answer.ok) {
      if (step === "undoing") this.#end();
      return;
    }
    // It never started, so everything is as before the button was pressed.
    this.problem = answer.problem;
    this.step = back;
    this.job = last;
  }

  #end(): void {
    const undone =
      this.step === "undoing" &&
      this.job?.state !== "failed" &&
      this.job?.state !== "canceled";
    this.step = "ended";
    if (undone) this.#around.undone();
  }
}
