import { screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import type { Job, View } from "../lib/bindings";
import { Backend } from "../lib/testing/backend";
import { PROBLEMS, ended, job, view, working } from "../lib/testing/fixtures";
import { NOW } from "../lib/testing/setup";
import { backendWith, button, later, openWindow } from "../lib/testing/window";

function holdClock() {
  vi.useFakeTimers({
    toFake: ["Date", "setInterval", "clearInterval"],
    now: NOW,
  });
}

/** Lets so much time pass, and the clock of the window notice it. */
function passes(milliseconds: number) {
  vi.setSystemTime(NOW.getTime() + milliseconds);
  vi.advanceTimersToNextTimer();
}

const FIRST_START: Partial<View> = {
  summary: {
    code: "first-start",
    tone: "attention",
    since: null,
    problem: null,
  },
  last_backup: null,
};

const RUNNING: Partial<View> = {
  summary: { ...view(NOW).summary, code: "working", tone: "working" },
};

describe("the first start", () => {
  it("says where the first backup goes, and one click makes it", async () => {
    const backend = backendWith(0, FIRST_START);
    const started = later<string>();
    backend.on("back_up_now", () => started.promise);
    const user = openWindow();

    await screen.findByRole("heading", { name: "Nothing is backed up yet." });
    expect(screen.getByTestId("summary")).toHaveTextContent(
      "/home/ada/.local/share/holdfast/backups",
    );
    await user.click(button("Back up now"));
    expect(backend.called("back_up_now")).toHaveLength(1);
    expect(button("Back up now")).toBeDisabled();
    started.resolve("made");
    await waitFor(() => expect(button("Back up now")).toBeEnabled());
  });

  it("says what was wrong and what to do when it is refused", async () => {
    backendWith(0, FIRST_START).refuse("back_up_now", PROBLEMS.full);
    const user = openWindow();
    await user.click(await screen.findByTestId("back-up-now"));
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent(PROBLEMS.full.message);
    expect(alert).toHaveTextContent(PROBLEMS.full.fix);
    expect(button("Back up now")).toBeEnabled();
  });
});

describe("a last backup that lacks something", () => {
  it("is not called protection, and says where the rest is named", async () => {
    const { summary } = view(NOW);
    backendWith(3, {
      summary: { ...summary, code: "protected", tone: "attention" },
    });
    openWindow();
    await screen.findByRole("heading", {
      name: /^Backed up .+, but not all of it could be read\.$/,
    });
    expect(screen.getByTestId("summary")).toHaveTextContent(
      "The backup names what is missing in it.",
    );
  });
});

describe("a running job", () => {
  it("shows how far it is, at which rate, and for how long still", async () => {
    new Backend(working(NOW));
    openWindow();
    const card = await screen.findByTestId("job");
    expect(card).toHaveTextContent("Backing up storing what is new");
    for (const fact of ["61%", "193 of 312 MB", "84.0 MB/s", "2 seconds left"])
      expect(card).toHaveTextContent(fact);
    expect(screen.getByRole("progressbar")).toHaveAttribute(
      "aria-valuenow",
      "61",
    );
    expect(card).toHaveAttribute("data-state", "running");
    expect(card).toHaveAttribute("data-phase", "storing");
    expect(card).toHaveAttribute("data-percentage", "61.98");
    expect(button("Back up now")).toBeDisabled();
  });

  it("moves with every view, and tells no figure that is not known", async () => {
    const progress = { bytes_done: 0, bytes_total: 0, percentage: 0 };
    const backend = new Backend(
      working(NOW, job({ phase: "preparing", progress })),
    );
    openWindow();
    const card = await screen.findByTestId("job");
    expect(card).not.toHaveTextContent(/%|MB/);
    expect(screen.getByRole("progressbar")).not.toHaveAttribute(
      "aria-valuenow",
    );
    backend.show(working(NOW));
    await waitFor(() => expect(card).toHaveTextContent("193 of 312 MB"));
  });

  it("is cancelled by Cancel, which says what it does and works once", async () => {
    const backend = new Backend(working(NOW));
    const answered = later<null>();
    backend.on("cancel_job", () => answered.promise);
    const user = openWindow();
    const cancel = await screen.findByRole("button", { name: "Cancel" });
    expect(screen.getByTestId("job")).toHaveTextContent(
      "Cancelling now keeps everything as it is.",
    );
    await user.click(cancel);
    expect(backend.called("cancel_job")).toHaveLength(1);
    expect(cancel).toBeDisabled();

    backend.change({ job: job({ state: "canceling" }) });
    await screen.findByRole("heading", { name: "Cancelling…" });
    expect(button("Cancel")).toBeDisabled();

    backend.change({ job: ended("canceled") });
    answered.resolve(null);
    await screen.findByRole("heading", { name: "The backup was cancelled" });
  });

  it("says that a cancel came too late, where it did", async () => {
    new Backend(
      working(NOW, job({ phase: "committing", cancelable: false })),
    ).refuse("cancel_job", PROBLEMS.lost);
    openWindow();
    expect(
      await screen.findByRole("button", { name: "Cancel" }),
    ).toBeDisabled();
    expect(screen.getByTestId("job")).toHaveTextContent("cannot be cancelled");
  });

  it("shows why a cancel was refused while the job goes on", async () => {
    new Backend(working(NOW)).refuse("cancel_job", PROBLEMS.lost);
    const user = openWindow();
    await user.click(await screen.findByRole("button", { name: "Cancel" }));
    expect(await screen.findByRole("alert")).toHaveTextContent(
      PROBLEMS.lost.message,
    );
    expect(button("Cancel")).toBeEnabled();
  });

  it("says so when nothing has moved for a while, until it moves", async () => {
    holdClock();
    const backend = new Backend(working(NOW));
    openWindow();
    const card = await screen.findByTestId("job");
    passes(25_000);
    await waitFor(() =>
      expect(card).toHaveTextContent("No progress for 30 seconds."),
    );
    backend.change({ job: job({ phase: "verifying" }) });
    await waitFor(() => expect(card).not.toHaveTextContent("No progress"));
  });
});

describe("a job that has ended", () => {
  const ends: [string, Job, string, string][] = [
    ["completed", ended("completed"), "Backed up", "312 MB in 4 seconds"],
    [
      "canceled",
      ended("canceled"),
      "The backup was cancelled",
      "Everything is as it was.",
    ],
    [
      "completed undo",
      ended("completed", { kind: "undo" }),
      "The restore is undone",
      "as it was before the restore",
    ],
  ];
  it.each(ends)("%s", async (_name, last, title, fact) => {
    const backend = backendWith(3, { ...RUNNING, job: job() });
    openWindow();
    await screen.findByRole("progressbar");
    backend.change({ job: last, summary: view(NOW).summary });
    await screen.findByRole("heading", { name: title });
    expect(screen.getByTestId("job")).toHaveTextContent(fact);
    expect(screen.queryByRole("progressbar")).not.toBeInTheDocument();
    expect(screen.getByRole("status")).toHaveTextContent(title);
  });

  it("failed: what happened, what it means, what to do, and a way to do it", async () => {
    const backend = backendWith(3, {
      job: ended("failed", { problem: PROBLEMS.full }),
      summary: {
        ...view(NOW).summary,
        code: "last-failed",
        tone: "bad",
        problem: PROBLEMS.full,
      },
    });
    const user = openWindow();
    const card = await screen.findByTestId("job");
    expect(card).toHaveTextContent("The backup failed");
    expect(card).toHaveTextContent(PROBLEMS.full.message);
    expect(card).toHaveTextContent(PROBLEMS.full.fix);
    expect(screen.getAllByText(/no space left/)).toHaveLength(1);
    await user.click(button("Try again"));
    expect(backend.called("back_up_now")).toHaveLength(1);

    await user.click(button("Dismiss"));
    expect(screen.queryByTestId("job")).not.toBeInTheDocument();
    expect(screen.getByRole("alert")).toHaveTextContent(PROBLEMS.full.message);
  });

  it("is no news when the window opens after it", async () => {
    backendWith(3, { job: ended("completed") });
    openWindow();
    await screen.findByRole("heading", { name: "Backed up" });
    expect(screen.getByRole("status")).toHaveTextContent(/^$/);
  });
});

describe("what needs to be known", () => {
  it("offers to undo the last restore", async () => {
    const backend = backendWith(3);
    const [row] = backend.rows;
    backend.change({
      undo: {
        backup: row?.backup.id ?? "",
        restored: NOW.toISOString(),
        assets: 4232,
        bytes: 313_100_000,
      },
    });
    const user = openWindow();
    await screen.findByRole("heading", {
      name: "The backup of 14:02 was restored just now",
    });
    const undone = later<null>();
    backend.on("undo_restore", () => undone.promise);
    await user.click(button("Undo restore"));
    expect(button("Undo restore")).toBeDisabled();
    await user.click(button("Undo restore"));
    expect(backend.called("undo_restore")).toHaveLength(1);
    undone.resolve(null);
    await waitFor(() => expect(button("Undo restore")).toBeEnabled());
  });

  it("tries a lost connection again when asked to", async () => {
    const backend = backendWith(0, {
      connection: {
        target: { kind: "address", address: "http://127.0.0.1:39300" },
        name: "PiecesOS",
        address: "http://127.0.0.1:39300",
        status: "lost",
        problem: PROBLEMS.lost,
      },
      summary: {
        code: "disconnected",
        tone: "bad",
        since: null,
        problem: PROBLEMS.lost,
      },
    });
    const user = openWindow();
    await screen.findByRole("heading", { name: "Not connected to PiecesOS." });
    expect(screen.getByRole("alert")).toHaveTextContent(PROBLEMS.lost.fix);
    expect(button("Back up now")).toBeDisabled();
    await user.click(button("Try again"));
    expect(backend.called("retry_connection")).toHaveLength(1);
  });

  it("leads from an unprotected key to what to do about it", async () => {
    backendWith(3, { key: "unprotected" });
    const user = openWindow();
    await screen.findByRole("heading", { name: "The key is not protected" });
    await user.click(button("See how"));
    await screen.findByLabelText("New passphrase");
  });

  it("leads from a locked destination to the passphrase", async () => {
    const locked = backendWith(3, { key: "missing" });
    const { summary } = locked.view;
    locked.change({
      summary: { ...summary, code: "locked", problem: PROBLEMS.locked },
    });
    const user = openWindow();
    await screen.findByRole("heading", { name: "The destination is locked." });
    await user.click(button("Unlock…"));
    await screen.findByLabelText("Passphrase");
  });

  it("passes with the time: minutes become hours while one looks", async () => {
    holdClock();
    backendWith(3);
    openWindow();
    await screen.findByRole("heading", { name: /Last backup 2 hours ago/ });
    passes(3_600_000);
    await screen.findByRole("heading", { name: /Last backup 3 hours ago/ });
  });
});
