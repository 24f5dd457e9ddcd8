// A job in words: what it does, how far it is, and what a cancel would do now.

import type { Job, JobState, Restore, UndoState } from "./bindings";
import {
  backups,
  bytes,
  bytesOf,
  duration,
  percent,
  rate,
  timeLeft,
  wholePercent,
} from "./format";
import { counted, currentLocale, t, type Key } from "./messages";

export function isRunning(job: Job | null): boolean {
  return job !== null && !isEnded(job.state);
}

function isEnded(
  state: JobState,
): state is "completed" | "failed" | "canceled" {
  return state === "completed" || state === "failed" || state === "canceled";
}

/** Tells a job from every other: a service counts its ids anew after each start. */
export function identity(job: Job): string {
  return `${job.kind} ${job.backup} ${job.started}`;
}

/** Stands for a job that was asked for, until a view shows the real one. */
export function asked(kind: Job["kind"], backup: string): Job {
  return {
    id: "",
    kind,
    backup,
    state: "queued",
    phase: "preparing",
    progress: { bytes_done: 0, bytes_total: 0, percentage: 0 },
    cancelable: true,
    started: "",
  };
}

/** `of` names the backup in a sentence, see `ofMoment`. */
export function title(job: Job, of: string): string {
  if (isEnded(job.state)) {
    return checked(job, of) ?? t(`job.${job.kind}.${job.state}`, { of });
  }
  if (job.state === "canceling") return t("job.canceling");
  if (job.kind === "verification" && job.backup === "")
    return t("job.verification-of-all");
  return t(`job.${job.kind}`, { of });
}

/** What a check has proven or found, where that can be said in a title. */
function checked({ report, state, backup }: Job, of: string): string | null {
  const damaged = report?.damaged?.length ?? 0;
  if (damaged > 0) return counted("count.damaged", damaged);
  const unreadable = report?.unreadable ?? 0;
  if (unreadable > 0) return counted("count.unreadable", unreadable);
  if (state !== "completed" || report?.depth !== "rehearsal") return null;
  return backup === ""
    ? counted("count.proven", report.backups)
    : t("job.verification.proven", { of });
}

export function phase(job: Job): string {
  if (job.state === "queued") return t("job.phase.queued");
  if (job.phase === "staging" && job.kind === "verification")
    return t("job.phase.rehearsing");
  const chosen = job.restores && !replacesLibrary(job.restores);
  if (job.phase === "staging" && chosen) return t("job.phase.copying");
  return t(`job.phase.${job.phase}`);
}

/** Whether the library, and nothing else, is replaced. */
function replacesLibrary({ what, folder }: Restore): boolean {
  return what === "library" && folder == null;
}

/** Whether what is kept was replaced by this very job. One that found nothing to replace leaves that of an earlier one. */
export function replaced(job: Job, undo: UndoState | null): boolean {
  return (
    undo !== null &&
    job.restores?.folder == null &&
    undo.backup === job.backup &&
    Date.parse(undo.restored) >= Date.parse(job.started)
  );
}

export function isWaiting(job: Job): boolean {
  return job.phase === "waiting" && job.state === "running";
}

/** What a job waits for, in a sentence. */
export function program(job: Job): string {
  return job.waits_for ?? t("job.waits-for.unknown");
}

/** What there is to say about how far it is; only what is known. */
export function progressFacts(job: Job): string[] {
  const { bytes_done, bytes_total, bytes_per_second, seconds_left } =
    job.progress;
  const facts: string[] = [];
  if (bytes_total > 0) facts.push(bytesOf(bytes_done, bytes_total));
  if (job.state !== "running" || isWaiting(job)) return facts;
  if (bytes_per_second) facts.push(rate(bytes_per_second));
  if (seconds_left != null) facts.push(timeLeft(seconds_left));
  return facts;
}

/** What *Cancel* does at this moment. */
export function cancelNote(job: Job): string {
  if (job.state === "canceling") return t("job.note.canceling");
  if (isWaiting(job)) return t("job.note.waiting", { program: program(job) });
  if (!job.cancelable) return t("job.note.too-late");
  if (job.kind === "verification") return t("job.note.verification");
  return job.kind === "creation"
    ? t("job.note.creation")
    : t("job.note.restoration");
}

/** One line about a job that ended well or was cancelled. A failed one has its problem instead. */
export function endFacts(job: Job): string {
  if (job.state === "completed" && job.report) {
    const { depth, backups: n } = job.report;
    return t(`job.verification.${depth}.facts`, { backups: backups(n) });
  }
  if (job.state === "completed" && job.restores) return restored(job.restores);
  if (job.state === "completed" && job.kind === "verification") return "";
  if (job.state === "completed" && job.kind === "creation") {
    if (job.progress.bytes_total === 0 || !job.ended) return "";
    const took = Date.parse(job.ended) - Date.parse(job.started);
    return t("job.creation.completed.facts", {
      size: bytes(job.progress.bytes_total),
      duration: duration(took / 1000),
    });
  }
  if (job.state === "completed" || job.state === "canceled") {
    return t(`job.${job.kind}.${job.state}.facts` as Key);
  }
  return "";
}

function restored({ what, folder }: Restore): string {
  if (folder != null) return t("job.restoration.completed.folder", { folder });
  if (what === "library") return t("job.restoration.completed.facts");
  return what === "everything"
    ? t("job.restoration.completed.everything")
    : t("job.restoration.completed.chosen");
}

/** How many damaged backups are named. */
const NAMED = 3;

/** What a check has found, and what to do. `of` names a backup in a sentence. Null where it found nothing. */
export function damage(job: Job, of: (id: string) => string): string | null {
  const damaged = job.report?.damaged ?? [];
  if (damaged.length === 0) return null;
  const names = damaged
    .slice(0, NAMED)
    .map(({ backup }) => t("job.verification.backup", { of: of(backup) }));
  const more = damaged.length - names.length;
  const all =
    more > 0
      ? counted("count.more-names", more, { names: names.join(", ") })
      : new Intl.ListFormat(currentLocale()).format(names);
  return t("job.verification.damaged", { names: all });
}

/** For people who listen: changes with each phase and each quarter, not with each byte. */
export function announcement(job: Job, of: string): string {
  if (!isRunning(job)) return `${title(job, of)}. ${endFacts(job)}`.trim();
  if (job.state === "canceling") return title(job, of);
  if (isWaiting(job)) return `${title(job, of)}. ${cancelNote(job)}`;
  const quarter = Math.floor(wholePercent(job.progress.percentage) / 25) * 25;
  return t("job.announce", {
    title: title(job, of),
    phase: phase(job),
    percent: percent(quarter),
  });
}
