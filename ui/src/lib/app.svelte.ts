// What the whole window knows: the newest view from the app, where the user is, and what was asked for from outside.

import { Channel } from "@tauri-apps/api/core";
import { createContext } from "svelte";
import { BackupList } from "./backup-list.svelte";
import {
  commands,
  events,
  type Intent,
  type Job,
  type Problem,
  type Restore,
  type Verify,
  type View,
} from "./bindings";
import { Browsing } from "./browsing.svelte";
import { Clock } from "./clock.svelte";
import { identity, isRunning } from "./jobs";
import { t } from "./messages";
import { ask } from "./problem";
import { Restoring } from "./restoring.svelte";
import { serviceName } from "./sentence";
import { ofMoment } from "./times";
import { Toasts } from "./toasts.svelte";

export type Place = "overview" | "backups" | "settings";

export class App {
  /** Null until the first one has come. */
  view = $state.raw<View | null>(null);
  /** Why no view comes. */
  problem = $state.raw<Problem | null>(null);
  place = $state<Place>("overview");
  sheet = $state.raw<Restoring | null>(null);
  /** The backup that is looked into; a restore sheet lies over it. */
  browsing = $state.raw<Browsing | null>(null);
  /** The ended job that the user does not want to see any more, see `identity`. */
  #dismissed = $state<string | null>(null);
  /** When the running job last got further. */
  progressed = $state.raw(new Date());
  /** A backup was asked for and has not started yet. */
  starting = $state(false);
  /** The job that a cancel was asked for. */
  canceling = $state<string | null>(null);

  readonly clock = new Clock();
  readonly toasts = new Toasts();
  readonly list = new BackupList(this.clock, this.toasts);

  covered = $derived(this.sheet !== null || this.browsing !== null);
  connected = $derived(this.view?.connection.status === "connected");
  busy = $derived(this.starting || isRunning(this.view?.job ?? null));
  /** What the connected service is called in sentences. */
  service = $derived(this.view ? serviceName(this.view) : t("app.name"));

  offers(feature: string): boolean {
    return this.view?.features.includes(feature) ?? false;
  }

  isDismissed(job: Job): boolean {
    return !isRunning(job) && identity(job) === this.#dismissed;
  }

  dismiss(job: Job): void {
    this.#dismissed = identity(job);
  }

  /** Whether a cancel can still be asked for. */
  get cancelable(): boolean {
    const job = this.view?.job;
    return (
      job?.cancelable === true &&
      (job.state === "running" || job.state === "queued") &&
      this.canceling !== job.id
    );
  }

  /** Listens until the returned function is called. */
  start(): () => void {
    const stopClock = this.clock.start();
    const raised = events.intentRaised.listen(() => void this.takeIntent());
    raised.catch(console.error);
    void this.watch();
    void this.takeIntent();
    return () => {
      stopClock();
      raised.then((unlisten) => unlisten()).catch(console.error);
    };
  }

  async watch(): Promise<void> {
    this.problem = null;
    const channel = new Channel<View>();
    channel.onmessage = (view) => this.see(view);
    const answer = await ask(commands.watch(channel));
    if (!answer.ok) this.problem = answer.problem;
  }

  see(view: View): void {
    const old = this.view;
    this.view = view;
    this.problem = null;
    if (furtherThan(old, view)) this.progressed = new Date();
    this.sheet?.follow(view);
    // The first view is no move: what an intent has chosen before it came stays chosen.
    const moved = old !== null && !sameTarget(old, view);
    if (moved) {
      this.list.clear();
      this.closeSheet();
      this.closeBrowsing();
    }
    if (old && !moved) this.#tellFailure(old, view);
    if (view.connection.status !== "connected") return;
    const back = moved || old?.connection.status !== "connected";
    if (back || old?.backups_revision !== view.backups_revision) {
      void this.list.load();
    }
    // A sheet may have been asked for before there was a service to ask.
    if (back && this.sheet?.preview === null) void this.sheet.look();
  }

  /** A job that failed while the user looks at another place, where nothing else tells of it. */
  #tellFailure(old: View, { job }: View): void {
    if (job?.state !== "failed" || !job.problem) return;
    const known = old.job && identity(old.job) === identity(job) && old.job;
    const news = !known || isRunning(known);
    const own = this.sheet?.job;
    const shown = own
      ? identity(own) === identity(job)
      : this.place === "overview" && !this.sheet;
    if (news && !shown) this.toasts.fail(job.problem);
  }

  async takeIntent(): Promise<void> {
    const answer = await ask(commands.takeIntent());
    if (answer.ok && answer.data) this.follow(answer.data);
  }

  /** Goes where a notification, the tray or a second start wants the user to be. */
  follow(intent: Intent): void {
    this.closeSheet();
    this.closeBrowsing();
    this.place = intent.kind === "overview" ? "overview" : "backups";
    if (intent.kind === "overview") return;
    this.list.reveal(intent.backup);
    if (intent.kind === "restore") this.openSheet(intent.backup);
  }

  go(place: Place): void {
    this.place = place;
    this.list.detailsOpen = false;
  }

  openSheet(backup: string, chosen?: Restore): void {
    const around = {
      view: () => this.view,
      undone: () => {
        if (this.sheet === sheet) this.closeSheet();
        this.toasts.show({ tone: "plain", text: t("restore.undone") });
      },
    };
    const sheet = new Restoring(backup, around, chosen);
    this.sheet = sheet;
    void sheet.look();
  }

  browse(backup: string): void {
    this.browsing = new Browsing(backup);
    void this.browsing.open("");
  }

  closeBrowsing(): void {
    this.browsing = null;
  }

  /** A job that runs goes on, and Overview shows it. One whose end the sheet has shown is not shown again. */
  closeSheet(): void {
    if (this.sheet?.step === "ended" && this.sheet.job) {
      this.dismiss(this.sheet.job);
    }
    this.sheet = null;
  }

  /** How a sentence calls a backup: "of 14:02". */
  of(backup: string): string {
    const preview = this.sheet?.preview?.details.backup;
    const moment =
      this.list.moment(backup) ??
      (preview?.id === backup ? new Date(preview.created.value) : null);
    return moment ? ofMoment(moment, this.clock.now) : t("of.unknown");
  }

  async backUpNow(): Promise<void> {
    this.starting = true;
    const answer = await ask(commands.backUpNow());
    this.starting = false;
    if (!answer.ok) this.toasts.fail(answer.problem);
  }

  /** Starts a check; the views tell how it goes. */
  async verify(wanted: Verify): Promise<void> {
    this.starting = true;
    const answer = await ask(commands.verify(wanted));
    this.starting = false;
    if (!answer.ok) this.toasts.fail(answer.problem);
  }

  async cancelJob(): Promise<void> {
    const id = this.view?.job?.id ?? null;
    this.canceling = id;
    const answer = await ask(commands.cancelJob());
    this.canceling = null;
    // A job that has ended meanwhile shows how; a message about the cancel would only confuse.
    const job = this.view?.job ?? null;
    if (!answer.ok && job?.id === id && isRunning(job)) {
      this.toasts.fail(answer.problem);
    }
  }

  async undoRestore(): Promise<void> {
    this.starting = true;
    const answer = await ask(commands.undoRestore());
    this.starting = false;
    // A job that failed on its way shows why.
    const failed =
      this.view?.job?.kind === "undo" && this.view.job.state === "failed";
    if (!answer.ok && !failed) this.toasts.fail(answer.problem);
  }

  async retryConnection(): Promise<void> {
    const answer = await ask(commands.retryConnection());
    if (!answer.ok) this.toasts.fail(answer.problem);
  }
}

export const [useApp, provideApp] = createContext<App>();

function sameTarget(old: View, view: View): boolean {
  const [before, now] = [old.connection.target, view.connection.target];
  return (
    before.kind === now.kind &&
    (before.kind === "embedded" ||
      now.kind === "embedded" ||
      before.address === now.address)
  );
}

function furtherThan(old: View | null, view: View): boolean {
  const [before, now] = [old?.job, view.job];
  return (
    before?.id !== now?.id ||
    before?.phase !== now?.phase ||
    before?.state !== now?.state ||
    before?.progress.bytes_done !== now?.progress.bytes_done ||
    before?.progress.percentage !== now?.progress.percentage
  );
}
