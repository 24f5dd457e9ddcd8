// What the app behind the window answers in it: it plays jobs, and has folders beside the library.

import type {
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
  ended,
  job,
  manyRows,
  partPreviews,
  preview,
  sourceRecords,
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

export function scene(now: Date, shown: View, rows = 214): Backend {
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
