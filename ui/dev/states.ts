// Every state of the window that is worth looking at, by name.

import type { Connection, View } from "../src/lib/bindings";
import type { Backend } from "../src/lib/testing/backend";
import {
  PROBLEMS,
  backupRow,
  ended,
  job,
  manyRows,
  preview,
  view,
  withSources,
  working,
} from "../src/lib/testing/fixtures";
import { scene } from "./scene";

const WAITING = job({
  kind: "restoration",
  phase: "waiting",
  waits_for: "Pieces",
});

const LOST: Connection = {
  target: { kind: "address", address: "http://127.0.0.1:39300" },
  name: "PiecesOS",
  address: "http://127.0.0.1:39300",
  status: "lost",
  problem: PROBLEMS.lost,
};

export const STATES: Record<string, (now: Date) => Backend> = {
  protected: (now) => scene(now, view(now)),
  loading: (now) => {
    const backend = scene(now, view(now));
    return backend.on("watch", () => new Promise(() => {}));
  },
  broken: (now) =>
    scene(now, view(now)).on("watch", () => {
      throw new Error("no app");
    }),
  "first-start": (now) => scene(now, firstStart(now), 0),
  many: (now) => scene(now, view(now, { backups_count: 10_000 }), 10_000),
  working: (now) => scene(now, working(now)),
  waiting: (now) => scene(now, working(now, WAITING)),
  verifying: (now) =>
    scene(now, working(now, job({ kind: "verification", phase: "verifying" }))),
  "damage-found": (now) => {
    const [first, second] = manyRows(2, now).map((row) => row.backup.id);
    const reason = "a part of it is missing";
    const job = ended("failed", {
      kind: "verification",
      backup: "",
      problem: PROBLEMS.damaged,
      report: {
        depth: "full",
        backups: 214,
        bytes_read: 3.1e9,
        damaged: [
          { backup: first ?? "", reason },
          { backup: second ?? "", reason },
        ],
      },
    });
    const { summary } = view(now);
    return scene(
      now,
      view(now, {
        job,
        summary: { ...summary, code: "last-failed", tone: "bad" },
      }),
    );
  },
  unread: (now) =>
    scene(
      now,
      view(now, {
        last_backup: {
          ...withSources(manyRows(1, now)[0] ?? backupRow(134, now)),
          proven: new Date(now.getTime() - 2e7).toISOString(),
        },
      }),
    ),
  preparing: (now) =>
    scene(
      now,
      working(
        now,
        job({
          phase: "preparing",
          progress: { bytes_done: 0, bytes_total: 0, percentage: 0 },
        }),
      ),
    ),
  committing: (now) =>
    scene(
      now,
      working(
        now,
        job({ kind: "restoration", phase: "committing", cancelable: false }),
      ),
    ),
  canceling: (now) => scene(now, working(now, job({ state: "canceling" }))),
  canceled: (now) => scene(now, view(now, { job: ended("canceled") })),
  completed: (now) => scene(now, view(now, { job: ended("completed") })),
  failed: (now) =>
    scene(
      now,
      view(now, {
        job: ended("failed", { problem: PROBLEMS.full }),
        summary: {
          ...view(now).summary,
          code: "last-failed",
          tone: "bad",
          problem: PROBLEMS.full,
        },
      }),
    ),
  stale: (now) =>
    scene(
      now,
      view(now, {
        summary: {
          code: "stale",
          tone: "attention",
          since: new Date(now.getTime() - 9 * 86_400_000).toISOString(),
          problem: null,
        },
      }),
    ),
  unreachable: (now) =>
    scene(
      now,
      view(now, {
        summary: {
          ...view(now).summary,
          code: "destination-unreachable",
          tone: "bad",
          problem: PROBLEMS.unreachable,
        },
        destination: {
          place: "/media/ada/Archive/backups",
          problem: PROBLEMS.unreachable,
        },
        backups_count: null,
      }),
      0,
    ).refuse("backups", PROBLEMS.unreachable),
  damaged: (now) =>
    scene(
      now,
      view(now, {
        summary: {
          ...view(now).summary,
          code: "destination-damaged",
          tone: "bad",
          problem: PROBLEMS.records,
        },
      }),
    ),
  locked: (now) =>
    scene(
      now,
      view(now, {
        summary: {
          ...view(now).summary,
          code: "locked",
          tone: "bad",
          problem: PROBLEMS.locked,
        },
        key: "missing",
        backups_count: null,
      }),
      0,
    ).refuse("backups", PROBLEMS.locked),
  disconnected: (now) =>
    scene(
      now,
      view(now, {
        connection: LOST,
        summary: {
          code: "disconnected",
          tone: "bad",
          since: null,
          problem: PROBLEMS.lost,
        },
        library: null,
        destination: null,
        key: null,
        last_backup: null,
        backups_count: null,
        features: [],
      }),
      0,
    ),
  foreign: (now) => {
    const shown = view(now, {
      connection: { ...LOST, status: "connected", problem: null },
      library: null,
      destination: null,
      key: null,
      features: [],
      backups_count: 40,
    });
    const backend = scene(now, shown, 40).refuse("preview_restore", {
      code: "unsupported",
      message: "This service does not offer it.",
      fix: "",
    });
    backend.rows = backend.rows.map((row) => ({
      backup: { ...row.backup, bytes: 5.1e9, version: "12.4.1" },
      assets: null,
      stored_bytes: null,
      sources: [],
      unread_count: 0,
      proven: null,
    }));
    return backend;
  },
  unprotected: (now) =>
    scene(
      now,
      view(now, {
        key: "unprotected",
        undo: {
          backup: manyRows(1, now)[0]?.backup.id ?? "",
          restored: new Date(now.getTime() - 300_000).toISOString(),
          assets: 4232,
          bytes: 313_100_000,
        },
      }),
    ).on("notifications", () => ({ available: false, daemon: null })),
  "no-space": (now) => {
    const backend = scene(now, view(now));
    const first = backend.rows[0];
    return first
      ? backend.previews(
          preview(first, {
            newer: 0,
            newer_names: [],
            free_bytes: 1.2e8,
            problem: {
              code: "no-space",
              message:
                "There is not enough space beside the library: 320 MB are needed and 120 MB are free. Nothing has been changed.",
              fix: "Free some space and try again.",
            },
          }),
        )
      : backend;
  },
  "slow-preview": (now) =>
    scene(now, view(now)).on("preview_restore", () => new Promise(() => {})),
  "bad-restore": (now) =>
    scene(now, view(now)).on("restore", ({ backup }) => {
      setTimeout(() => fail(playing(), String(backup)), 50);
      return null;
    }),
  "bad-delete": (now) =>
    scene(now, view(now)).refuse("delete_backup", PROBLEMS.unreachable),
};

/** The page keeps its backend on the window, to play with it in the console. */
function playing(): Backend {
  return (window as unknown as { backend: Backend }).backend;
}

function fail(backend: Backend, backup: string): void {
  backend.change({
    job: ended("failed", {
      id: "failed",
      kind: "restoration",
      backup,
      problem: PROBLEMS.damaged,
    }),
  });
}

function firstStart(now: Date): View {
  return view(now, {
    summary: {
      code: "first-start",
      tone: "attention",
      since: null,
      problem: null,
    },
    last_backup: null,
    backups_count: 0,
    key: "not-yet",
    destination: {
      place: "/home/ada/.local/share/holdfast/backups",
      free_bytes: 4.12e11,
      stored_bytes: 0,
    },
  });
}
