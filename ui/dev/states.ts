// Every state of the window that is worth looking at, by name.

import type {
  Connection,
  Entries,
  Entry,
  FoundService,
  Job,
  NewSource,
  Restore,
  Source,
  Verify,
  View,
} from "../src/lib/bindings";
import { Backend } from "../src/lib/testing/backend";
import {
  ALL_EXTENSIONS,
  PROBLEMS,
  backupRow,
  ended,
  job,
  manyRows,
  partPreviews,
  preview,
  sourceRecords,
  view,
  withSources,
  working,
} from "../src/lib/testing/fixtures";

const SERVICES: FoundService[] = [
  {
    name: "PiecesOS",
    address: "http://127.0.0.1:39300",
    version: "12.4.1",
    kind: "pieces",
  },
];

function scene(now: Date, shown: View, rows = 214): Backend {
  const own = shown.features.length > 0;
  const features = own ? ALL_EXTENSIONS : shown.features;
  const backend = new Backend({ ...shown, features });
  backend.rows = manyRows(rows, now);
  const first = backend.rows[0];
  folders(backend, now);
  if (first) backend.previews(preview(first));
  backend.on("services", () => SERVICES);
  backend.on("back_up_now", () => {
    void run(backend, now);
    return "made";
  });
  backend.on("restore", ({ backup }) => {
    void run(backend, now, {
      kind: "restoration",
      backup: String(backup),
      phase: "staging",
    });
    return null;
  });
  backend.on("undo_restore", () => {
    return run(backend, now, { kind: "undo", phase: "staging" });
  });
  backend.on("cancel_job", () => {
    const running = backend.view.job;
    if (running)
      backend.change({
        job: {
          ...running,
          ...ended("canceled"),
          id: running.id,
          kind: running.kind,
          backup: running.backup,
        },
      });
    return null;
  });
  return backend;
}

/** Folders beside the library: in the two newest backups, and in the settings. */
function folders(backend: Backend, now: Date): void {
  if (backend.view.features.length === 0) return;
  backend.rows = backend.rows.map((row, at) => {
    if (at > 2) return row;
    const unread = at === 0 ? 12 : 0;
    const proven =
      at === 1 ? new Date(now.getTime() - 2e7).toISOString() : null;
    return { ...withSources(row, unread), proven };
  });
  let items: Source[] = [
    {
      id: "notes",
      kind: "folder",
      path: "/home/ada/Documents/Notes",
      excludes: ["*.tmp", "/cache/"],
    },
  ];
  backend
    .on("backup_sources", () => sourceRecords())
    .on("preview_parts", ({ backup, restore }) => {
      const { what, folder } = restore as Restore;
      const row = backend.rows.find((one) => one.backup.id === backup);
      const named = typeof what === "object" ? (what.source ?? "notes") : what;
      const parts = partPreviews().filter(
        ({ source }) => named === "everything" || source === named,
      );
      const in_use_by = folder == null && named !== "library" ? "Pieces" : null;
      return row ? preview(row, { parts, in_use_by }) : null;
    })
    .on("restore_parts", ({ backup, restore }) => {
      const job: Partial<Job> = {
        kind: "restoration",
        backup: String(backup),
        phase: "staging",
        restores: restore as Restore,
      };
      void run(backend, now, job);
      return null;
    })
    .on("verify", ({ verify }) => {
      const { backup, depth } = verify as Verify;
      void run(backend, now, {
        kind: "verification",
        backup: backup ?? "",
        phase: depth === "rehearsal" ? "staging" : "verifying",
        report: { depth, backups: backup ? 1 : 214, bytes_read: 3.1e8 },
      });
      return null;
    })
    .on("sources", () => ({ items, suggested: SUGGESTED }))
    .on("add_source", ({ folder }) => {
      const { path, kind = "folder", excludes } = folder as NewSource;
      if (!path.startsWith("/")) throw PROBLEMS.folder;
      const source = { id: `folder-${items.length}`, kind, path, excludes };
      items = [...items, source];
      return source;
    })
    .on("remove_source", ({ source }) => {
      items = items.filter((one) => one.id !== source);
      return null;
    })
    .on("entries", ({ path, after }) => page(String(path), after !== null))
    .on("changes_since", ({ after }) => ({
      items: partPreviews().flatMap((part) => part.examples ?? []),
      next: after === null ? "more" : null,
    }));
}

const SUGGESTED: NewSource = {
  path: "/home/ada/.local/share/com.pieces.os",
  kind: "pieces",
  excludes: ["/models/"],
};

function page(path: string, further: boolean): Entries {
  const entry = (name: string, kind: Entry["kind"], bytes = 0): Entry => ({
    name,
    path: path === "" ? name : `${path}/${name}`,
    kind,
    bytes,
    modified: "2026-11-20T08:00:00Z",
  });
  if (path === "")
    return {
      items: [
        entry("library", "folder"),
        entry("library.db", "database", 3.12e8),
        entry("notes", "folder"),
        entry("pieces-data", "folder"),
      ],
    };
  if (path === "library")
    return {
      items: ["retry with jitter", "axum extractor order"].map((title) => ({
        ...entry(title, "item", 812),
        title,
      })),
    };
  return {
    items: [
      entry(further ? "more" : "journal", "folder"),
      entry(
        `a-file-with-a-name-that-is-so-long-that-it-takes-two-lines${further ? "-2" : ""}.md`,
        "file",
        1.2e6,
      ),
      entry(`index${further ? "-2" : ""}.db`, "database", 8.8e7),
      entry(`current${further ? "-2" : ""}`, "link"),
    ],
    next: further ? null : "more",
  };
}

/** Plays a job of five seconds, and answers when it has ended. */
function run(
  backend: Backend,
  now: Date,
  changes: Partial<Job> = {},
): Promise<null> {
  const id = `job-${Math.random()}`;
  const calm = backend.view.summary;
  let percentage = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const current = backend.view.job;
      if (current?.id === id && current.state !== "running") {
        clearInterval(timer);
        backend.change({ summary: calm });
        return resolve(null);
      }
      percentage += 2.3;
      const over = percentage >= 100;
      const progress = {
        bytes_done: 3.12e6 * Math.min(100, percentage),
        bytes_total: 3.12e8,
        percentage: Math.min(100, percentage),
        bytes_per_second: 71e6,
        seconds_left: (100 - percentage) / 20,
      };
      const running = job({ ...changes, id, progress });
      if (!over)
        return backend.show({
          ...working(now, running),
          undo: backend.view.undo,
        });
      clearInterval(timer);
      const restored = running.kind === "restoration";
      backend.change({
        summary: calm,
        job: ended("completed", { ...changes, id }),
        undo: restored
          ? {
              backup: running.backup,
              restored: new Date().toISOString(),
              assets: 4232,
              bytes: 3.131e8,
            }
          : null,
      });
      resolve(null);
    }, 110);
  });
}

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
