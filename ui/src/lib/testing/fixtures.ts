// Invented views and backups, for the tests and for the page in dev/. Nothing of it is in the build.

import type {
  BackupRow,
  Job,
  PartPreview,
  Preview,
  Problem,
  SourceRecord,
  View,
} from "../bindings";

const MB = 1_000_000;
const MINUTE = 60_000;

export const EXTENSIONS = [
  "overview",
  "jobs",
  "details",
  "preview",
  "undo",
  "undelete",
  "import",
  "passphrase",
];

/** What the newest service offers. */
export const ALL_EXTENSIONS = [
  ...EXTENSIONS,
  "sources",
  "browse",
  "compare",
  "verify",
  "restore-parts",
];

/** Two folders in a backup; of the first, some files could not be read, of which two are named. */
export function sourceRecords(unread = 12): SourceRecord[] {
  return [
    {
      id: "pieces-data",
      kind: "pieces",
      path: "/home/ada/.local/share/com.pieces.os",
      files: 2_411,
      folders: 148,
      bytes: 5_100 * MB,
      databases: 9,
      unread: [
        { path: "pieces-data/cache/lock", why: "permission denied" },
        {
          path: "pieces-data/models/\\xff.bin",
          why: "changed while it was read",
        },
      ].slice(0, unread),
      unread_count: unread,
    },
    {
      id: "notes",
      kind: "folder",
      path: "/home/ada/Documents/Notes",
      files: 318,
      folders: 21,
      bytes: 41.2 * MB,
      databases: 0,
      unread_count: 0,
    },
  ];
}

/** What a restore of it would change. */
export function partPreviews(): PartPreview[] {
  return [
    {
      source: "library",
      added: 0,
      changed: 0,
      removed: 0,
      fetched_bytes: 1.2 * MB,
    },
    {
      source: "pieces-data",
      moved_to: "/srv/pieces",
      added: 1,
      changed: 0,
      removed: 2,
      fetched_bytes: 88 * MB,
      examples: [
        {
          path: "pieces-data/production/old.db",
          kind: "database",
          change: "added",
          bytes_before: null,
          bytes_after: 88 * MB,
        },
        {
          path: "pieces-data/production/new.db",
          kind: "database",
          change: "removed",
          bytes_before: 90 * MB,
          bytes_after: null,
        },
        {
          path: "pieces-data/models/a-model-with-a-rather-long-name.bin",
          kind: "file",
          change: "removed",
          bytes_before: 1_400 * MB,
          bytes_after: null,
        },
      ],
    },
    { source: "notes", added: 0, changed: 0, removed: 0, fetched_bytes: 0 },
  ];
}

/** The newest backup with folders in it. */
export function withSources(row: BackupRow, unread = 12): BackupRow {
  const sources = sourceRecords(unread).map((source) => ({
    ...source,
    unread: [],
  }));
  return { ...row, sources, unread_count: unread };
}

/** A backup made so many minutes before `now`. */
export function backupRow(
  minutesAgo: number,
  now: Date,
  changes: Partial<BackupRow["backup"]> = {},
): BackupRow {
  const moment = new Date(now.getTime() - minutesAgo * MINUTE);
  const timestamp = moment.toISOString().replace(/[-:.]/g, "");
  return {
    backup: {
      id: `0.1.0_${timestamp}`,
      version: "0.1.0",
      timestamp,
      bytes: 312 * MB,
      device_name: "ThinkPad",
      platform: "LINUX",
      created: { value: moment.toISOString() },
      ...changes,
    },
    assets: 4218,
    stored_bytes: 31.4 * MB,
    sources: [],
    unread_count: 0,
    proven: null,
  };
}

/** Many backups, every two hours or so, from two devices. */
export function manyRows(count: number, now: Date): BackupRow[] {
  return Array.from({ length: count }, (_, at) => {
    const row = backupRow(134 + at * 127, now, {
      device_name: at % 7 === 4 ? "MacBook Pro" : "ThinkPad",
      platform: at % 7 === 4 ? "MACOS" : "LINUX",
      bytes: (312 - (at % 300)) * MB,
    });
    return {
      ...row,
      assets: 4218 - at,
      stored_bytes: ((at * 37) % 91) * 0.7 * MB,
    };
  });
}

export function job(changes: Partial<Job> = {}): Job {
  return {
    id: "job-1",
    kind: "creation",
    backup: "0.1.0_20261123T140233000Z",
    state: "running",
    phase: "storing",
    progress: {
      bytes_done: 193.4 * MB,
      bytes_total: 312 * MB,
      percentage: 61.98,
      bytes_per_second: 84 * MB,
      seconds_left: 1.9,
    },
    cancelable: true,
    started: "2026-11-23T14:02:33Z",
    ended: null,
    problem: null,
    ...changes,
  };
}

export function ended(state: Job["state"], changes: Partial<Job> = {}): Job {
  const done = state === "completed" ? 312 * MB : 193.4 * MB;
  return job({
    state,
    phase: "done",
    cancelable: false,
    ended: "2026-11-23T14:02:37Z",
    progress: {
      bytes_done: done,
      bytes_total: 312 * MB,
      percentage: state === "completed" ? 100 : 61.98,
      bytes_per_second: null,
      seconds_left: null,
    },
    ...changes,
  });
}

export const PROBLEMS = {
  unreachable: {
    code: "destination-unreachable",
    message:
      "The folder of the backups is not there. The library and what was backed up are not affected.",
    fix: "Connect the disk it is on, or put the folder back.",
  },
  locked: {
    code: "locked",
    message:
      "The key of this destination is not at hand, so backups can be neither made nor restored. They are not affected.",
    fix: "Unlock the keychain, or start with the passphrase the key was protected with.",
  },
  records: {
    code: "damaged-records",
    message:
      "The records of 2 backups cannot be read, so they are not listed. The others and the library are not affected.",
    fix: "Check the disk of the destination, and make a new backup.",
  },
  full: {
    code: "destination-full",
    message:
      "There is no space left at the destination. Earlier backups are not affected.",
    fix: "Free some space there and try again.",
  },
  lost: {
    code: "unreachable",
    message: "The service does not answer. Your backups are not affected.",
    fix: "Check that it is running; the connection is tried again every few seconds.",
  },
  damaged: {
    code: "damaged",
    message:
      "A part of this backup is damaged and cannot be restored. The library has not been changed.",
    fix: "Restore another backup, check the disk of the destination, and verify all backups in full: the next backup then stores again what is damaged and still exists.",
  },
  folder: {
    code: "bad-folder",
    message:
      "This is no folder of this machine: its path is not absolute. Nothing was changed.",
    fix: "Give the whole path of the folder.",
  },
} satisfies Record<string, Problem>;

/** Connected to the own service, with a backup of two hours ago. */
export function view(now: Date, changes: Partial<View> = {}): View {
  const last = backupRow(134, now);
  return {
    connection: {
      target: { kind: "embedded" },
      name: "This computer",
      address: "http://127.0.0.1:1000",
      status: "connected",
      problem: null,
    },
    summary: {
      code: "protected",
      tone: "good",
      since: last.backup.created.value,
      problem: null,
    },
    job: null,
    undo: null,
    library: {
      assets: 4232,
      bytes: 313.1 * MB,
      updated: new Date(now.getTime() - 4 * MINUTE).toISOString(),
    },
    destination: {
      place: "/home/ada/.local/share/holdfast/backups",
      problem: null,
      free_bytes: 412_000 * MB,
      stored_bytes: 6_100 * MB,
    },
    key: "keychain",
    last_backup: last,
    backups_count: 214,
    backups_revision: 1,
    features: EXTENSIONS,
    ...changes,
  };
}

export function working(now: Date, running: Job = job()): View {
  const calm = view(now);
  return view(now, {
    job: running,
    summary: { ...calm.summary, code: "working", tone: "working" },
  });
}

export function preview(
  row: BackupRow,
  changes: Partial<Preview> = {},
): Preview {
  return {
    details: {
      backup: row.backup,
      assets: row.assets ?? 0,
      stored_bytes: row.stored_bytes ?? 0,
      seconds: 3.9,
    },
    library: { assets: 4232, bytes: 313.1 * MB, updated: null },
    newer: 14,
    newer_names: [
      "retry with jitter",
      "axum extractor order",
      "fts5 rank",
      "tabular figures",
      "restic chunker notes",
    ],
    needed_bytes: 320 * MB,
    free_bytes: 412_000 * MB,
    problem: null,
    ...changes,
  };
}
