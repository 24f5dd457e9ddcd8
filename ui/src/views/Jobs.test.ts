import { screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { Depth, Job, View } from "../lib/bindings";
import { PROBLEMS, ended, job, view } from "../lib/testing/fixtures";
import { NOW } from "../lib/testing/setup";
import { backendWith, button, newest, openWindow } from "../lib/testing/window";

const working = (running: Job): Partial<View> => ({
  job: running,
  summary: { ...view(NOW).summary, code: "working", tone: "working" },
});

function report(depth: Depth, backups: number, damaged: string[] = []) {
  const reason = "a part of it is missing";
  return {
    depth,
    backups,
    bytes_read: 312_000_000,
    damaged: damaged.map((backup) => ({ backup, reason })),
  };
}

describe("a job that waits for a program", () => {
  const waiting = (changes: Partial<Job> = {}) =>
    job({
      kind: "restoration",
      phase: "waiting",
      waits_for: "Pieces",
      ...changes,
    });

  it("says for which, that nothing has changed, and can be cancelled", async () => {
    const backend = backendWith(3);
    backend.change(working(waiting()));
    const user = openWindow();
    await screen.findByRole("heading", {
      name: "Waiting until Pieces has quit.",
    });
    const card = screen.getByTestId("job");
    expect(card).toHaveTextContent(
      "Waiting until Pieces has quit. Nothing has changed yet.",
    );
    expect(card).toHaveAttribute("data-phase", "waiting");
    await user.click(button("Cancel", card));
    expect(backend.called("cancel_job")).toHaveLength(1);
  });

  it("says so without its name, too", async () => {
    backendWith(3, working(waiting({ waits_for: null })));
    openWindow();
    await screen.findByRole("heading", {
      name: "Waiting until the program that has the files open has quit.",
    });
  });

  it("says so in the restore sheet", async () => {
    const backend = backendWith(3);
    backend.change(working(waiting({ backup: newest(backend) })));
    openWindow();
    await screen.findByTestId("job");
    await backend.raise({ kind: "restore", backup: newest(backend) });
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText(/^Waiting until Pieces has quit\. Nothing/);
    expect(button("Cancel", dialog)).toBeEnabled();
  });
});

describe("a check of backups", () => {
  it("is shown while it runs, and a cancel of it changes nothing", async () => {
    const backend = backendWith(3);
    const running = job({
      kind: "verification",
      phase: "staging",
      backup: newest(backend),
    });
    backend.change(working(running));
    openWindow();
    const card = await screen.findByTestId("job");
    await waitFor(() =>
      expect(card).toHaveTextContent("Checking the backup of 14:02"),
    );
    expect(card).toHaveTextContent("rehearsing the restore");
    expect(card).toHaveTextContent("It only reads. Cancelling changes nothing");
    expect(button("Cancel", card)).toBeEnabled();
  });

  it.each<[Depth, string, string, string]>([
    ["rehearsal", "one", "The backup of 14:02 is proven restorable", "rehears"],
    ["rehearsal", "", "3 backups are proven restorable", "rehearsed"],
    ["full", "", "No damage was found", "Every byte was read"],
    ["quick", "one", "No damage was found", "Nothing is missing"],
  ])("of depth %s of %s ends as what it is", async (depth, of, name, fact) => {
    const backend = backendWith(3);
    backend.change({
      job: ended("completed", {
        kind: "verification",
        backup: of && newest(backend),
        report: report(depth, of ? 1 : 3),
      }),
    });
    openWindow();
    await screen.findByRole("heading", { name });
    expect(screen.getByTestId("job")).toHaveTextContent(fact);
  });

  it("names the backups that are damaged, and what to do", async () => {
    const backend = backendWith(3);
    const [first, second] = backend.rows.map((row) => row.backup.id);
    backend.change({
      job: ended("failed", {
        kind: "verification",
        backup: "",
        problem: PROBLEMS.damaged,
        report: report("full", 3, [first!, second!]),
      }),
      summary: { ...view(NOW).summary, code: "last-failed", tone: "bad" },
    });
    openWindow();
    await screen.findByRole("heading", { name: "2 backups are damaged." });
    await waitFor(() =>
      expect(screen.getByTestId("job")).toHaveTextContent(
        "Damaged: the backup of 14:02 and the backup of 11:55. Check the disk of the destination, and make a new backup: it stores again what is damaged and still exists.",
      ),
    );
  });
});

describe("a check that finds records which cannot be read", () => {
  it("says how many, and what to do", async () => {
    const backend = backendWith(3);
    backend.change({
      job: ended("failed", {
        kind: "verification",
        backup: "",
        problem: PROBLEMS.records,
        report: { ...report("full", 3), unreadable: 2 },
      }),
      summary: { ...view(NOW).summary, code: "last-failed", tone: "bad" },
    });
    openWindow();
    await screen.findByRole("heading", {
      name: "The records of 2 backups cannot be read.",
    });
    expect(screen.getByTestId("job")).toHaveTextContent(PROBLEMS.records.fix);
  });
});

describe("a restore into a folder", () => {
  it("says where it is, and offers no undo of an earlier one", async () => {
    const backend = backendWith(3);
    backend.change({
      undo: {
        backup: newest(backend),
        restored: NOW.toISOString(),
        assets: 1,
        bytes: 1,
        sources: ["notes"],
      },
      job: ended("completed", {
        kind: "restoration",
        backup: newest(backend),
        restores: { what: "everything", folder: "/tmp/look" },
      }),
    });
    openWindow();
    const card = await screen.findByTestId("job");
    expect(card).toHaveTextContent("It is in /tmp/look. Nothing was replaced.");
    // What an earlier one replaced is still kept, and said beside it.
    screen.getByText(
      "What it replaced in notes is kept. Undo restore brings it back.",
    );
  });
});
