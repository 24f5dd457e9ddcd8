// One restore sheet from the preview to the end: looking, replacing, undoing.

import {
  commands,
  type Job,
  type Preview,
  type Problem,
  type View,
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

export class Restoring {
  readonly backup: string;
  step = $state<Step>("preview");
  /** Null while it is looked for, and where there is none. */
  preview = $state.raw<Preview | null>(null);
  /** The service cannot say beforehand. */
  unforeseen = $state(false);
  /** Why the preview, or the start of a job, failed. */
  problem = $state.raw<Problem | null>(null);
  job = $state.raw<Job | null>(null);

  /** The job that was known before ours started, so that the two are not mixed up. */
  #before: string | null = null;
  #view: () => View | null;
  #undone: () => void;

  constructor(backup: string, view: () => View | null, undone: () => void) {
    this.backup = backup;
    this.#view = view;
    this.#undone = undone;
    const job = view()?.job ?? null;
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

  async look(): Promise<void> {
    if (this.step !== "preview") return;
    this.problem = null;
    const answer = await ask(commands.previewRestore(this.backup));
    if (answer.ok) this.preview = answer.data;
    else if (answer.problem.code === "unsupported") this.unforeseen = true;
    else this.problem = answer.problem;
  }

  async restore(): Promise<void> {
    await this.#start("restoring", () => commands.restore(this.backup));
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

  async #start(
    step: "restoring" | "undoing",
    command: () => ReturnType<typeof commands.restore>,
  ): Promise<void> {
    const back = this.step;
    const last = this.job;
    this.#before = this.#view()?.job?.id ?? null;
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
    if (undone) this.#undone();
  }
}
