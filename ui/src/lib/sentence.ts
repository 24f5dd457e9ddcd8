// The one sentence that says how things are, from the code that the app gives. Times are written here, because they
// pass while the window is open.

import type { Job, View } from "./bindings";
import { backups } from "./format";
import { isWaiting, program, title } from "./jobs";
import { counted, t } from "./messages";
import { daysBetween, ofMoment, relative } from "./times";

export type Sentence = { title: string; detail: string };

/** `backupMoment` tells when a backup was made, if it is known. */
export function sentence(
  view: View,
  now: Date,
  backupMoment: (id: string) => Date | null,
): Sentence {
  const { summary } = view;
  const since = summary.since === null ? null : new Date(summary.since);
  const last = lastBackup(view, since, now);

  switch (summary.code) {
    case "first-start":
      return { title: t("summary.first-start"), detail: firstStart(view) };
    case "protected":
      if (since && summary.tone === "attention") {
        return {
          title: t("summary.incomplete", { relative: relative(since, now) }),
          detail: t("summary.incomplete.detail"),
        };
      }
      return {
        title: since
          ? t("summary.protected", { relative: relative(since, now) })
          : t("summary.protected.unknown"),
        detail: inPlace(view),
      };
    case "stale":
      return {
        title: since ? stale(since, now) : t("summary.stale.unknown"),
        detail: t("summary.stale.detail"),
      };
    case "working":
      return working(view.job, now, backupMoment);
    case "destination-unreachable":
      return { title: t("summary.destination-unreachable"), detail: last };
    case "destination-damaged":
      return { title: t("summary.destination-damaged"), detail: last };
    case "locked":
      return { title: t("summary.locked"), detail: last };
    case "disconnected":
      return {
        title: t("summary.disconnected", { name: serviceName(view) }),
        detail: t("summary.untouched"),
      };
    case "last-failed":
      return {
        title: lastFailed(view.job),
        detail: lastGood(view, since, now),
      };
  }
}

/** What the connected service is called in sentences. */
export function serviceName(view: View): string {
  return view.connection.target.kind === "embedded"
    ? t("connection.this-computer")
    : view.connection.name;
}

function lastBackup(view: View, since: Date | null, now: Date): string {
  if (since)
    return t("summary.last-backup", { relative: relative(since, now) });
  // Not to be taken for one that has none: it cannot be looked at.
  return view.backups_count === null
    ? t("summary.untouched")
    : t("summary.no-backup");
}

function lastGood(view: View, since: Date | null, now: Date): string {
  if (view.job?.kind === "verification") return lastBackup(view, since, now);
  if (view.job && view.job.kind !== "creation") return t("summary.as-it-was");
  return since
    ? t("summary.still-good", { relative: relative(since, now) })
    : t("summary.no-backup");
}

/** A check that found damage has not failed itself, so what it found is said. */
function lastFailed(job: Job | null): string {
  const report = job?.report;
  if (job && (report?.damaged?.length || report?.unreadable))
    return `${title(job, "")}.`;
  return t(`summary.last-failed.${job?.kind ?? "creation"}`);
}

function firstStart(view: View): string {
  const place = view.destination?.place;
  return place
    ? t("summary.first-start.place", { place })
    : t("summary.first-start.detail");
}

function inPlace(view: View): string {
  if (view.backups_count === null) return "";
  const count = backups(view.backups_count);
  const place = view.destination?.place;
  return place
    ? t("summary.protected.place", { backups: count, place })
    : count;
}

function stale(since: Date, now: Date): string {
  const days = daysBetween(since, now);
  if (days >= 2) return counted("summary.stale.days", days);
  const hours = Math.floor((now.getTime() - since.getTime()) / 3_600_000);
  return hours >= 24
    ? counted("summary.stale.days", 1)
    : counted("summary.stale.hours", Math.max(1, hours));
}

function working(
  job: Job | null,
  now: Date,
  backupMoment: (id: string) => Date | null,
): Sentence {
  if (job?.state === "canceling") {
    return {
      title: t("summary.canceling"),
      detail: t("summary.canceling.detail"),
    };
  }
  if (job && isWaiting(job)) {
    return {
      title: t("summary.waiting", { program: program(job) }),
      detail: t("summary.waiting.detail"),
    };
  }
  const kind = job?.kind ?? "creation";
  const moment = job ? backupMoment(job.backup) : null;
  const of = moment ? ofMoment(moment, now) : t("of.unknown");
  return {
    title: t(`summary.working.${kind}`, { of }),
    detail: t(`summary.working.${kind}.detail`),
  };
}
