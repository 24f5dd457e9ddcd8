// A job in words: what it does, how far it is, and what a cancel would do now.

import type { Job, JobState } from "./bindings";
import {
  bytes,
  bytesOf,
  duration,
  percent,
  rate,
  timeLeft,
  wholePercent,
} from "./format";
import { t } from "./messages";

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
  if (isEnded(job.state)) return t(`job.${job.kind}.${job.state}`, { of });
  if (job.state === "canceling") return t("job.canceling");
  return t(`job.${job.kind}`, { of });
}

export function phase(job: Job): string {
  if (job.state === "queued") return t("job.phase.queued");
  return t(`job.phase.${job.phase}`);
}

/** What there is to say about how far it is; only what is known. */
export function progressFacts(job: Job): string[] {
  const { bytes_done, bytes_total, bytes_per_second, seconds_left } =
    job.progress;
  const facts: string[] = [];
  if (bytes_total > 0) facts.push(bytesOf(bytes_done, bytes_total));
  if (job.state !== "running") return facts;
  if (bytes_per_second) facts.push(rate(bytes_per_second));
  if (seconds_left != null) facts.push(timeLeft(seconds_left));
  return facts;
}

/** What *Cancel* does at this moment. */
export function cancelNote(job: Job): string {
  if (job.state === "canceling") return t("job.note.canceling");
  if (!job.cancelable) return t("job.note.too-late");
  return job.kind === "creation"
    ? t("job.note.creation")
    : t("job.note.restoration");
}

/** One line about a job that ended well or was cancelled. A failed one has its problem instead. */
export function endFacts(job: Job): string {
  if (job.state === "completed" && job.kind === "creation") {
    if (job.progress.bytes_total === 0 || !job.ended) return "";
    const took = Date.parse(job.ended) - Date.parse(job.started);
    return t("job.creation.completed.facts", {
      size: bytes(job.progress.bytes_total),
      duration: duration(took / 1000),
    });
  }
  if (job.state === "completed" || job.state === "canceled") {
    return t(`job.${job.kind}.${job.state}.facts` as Parameters<typeof t>[0]);
  }
  return "";
}

/** For people who listen: changes with each phase and each quarter, not with each byte. */
export function announcement(job: Job, of: string): string {
  if (!isRunning(job)) return `${title(job, of)}. ${endFacts(job)}`.trim();
  if (job.state === "canceling") return title(job, of);
  const quarter = Math.floor(wholePercent(job.progress.percentage) / 25) * 25;
  return t("job.announce", {
    title: title(job, of),
    phase: phase(job),
    percent: percent(quarter),
  });
}
