import { screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { Backend } from "../lib/testing/backend";
import {
  ALL_EXTENSIONS,
  PROBLEMS,
  ended,
  job,
  sourceRecords,
} from "../lib/testing/fixtures";
import {
  backendWith,
  backendWithFolders,
  button,
  go,
  newest,
  openWindow,
} from "../lib/testing/window";

/** Says which files they were, too. */
function backendOf(unread: number): Backend {
  const backend = backendWithFolders(unread);
  return backend.on("backup_sources", () => sourceRecords(unread));
}

async function openDetails() {
  const user = openWindow();
  await go(user, "Backups");
  const details = await screen.findByRole("region", {
    name: "Chosen backup",
  });
  return { user, details };
}

describe("the folders of a backup", () => {
  it("are shown with what they hold", async () => {
    backendOf(0);
    const { details } = await openDetails();
    const [pieces, notes] = within(details).getAllByTestId("backup-source");
    expect(pieces).toHaveTextContent("com.pieces.os");
    expect(pieces).toHaveTextContent("2,411 files, 9 databases, 5.1 GB");
    expect(notes).toHaveTextContent("Notes");
    expect(notes).not.toHaveTextContent("database");
    expect(within(details).queryByTestId("unread")).toBeNull();
  });

  it("are not mentioned where there are none", async () => {
    backendWith(3, { features: ALL_EXTENSIONS });
    const { details } = await openDetails();
    expect(within(details).queryByText("Folders")).toBeNull();
  });
});

describe("files that could not be read", () => {
  it("are counted, marked in the list, and named with the reason when asked", async () => {
    const backend = backendOf(12);
    const { user, details } = await openDetails();
    within(details).getByRole("heading", {
      name: "12 files or folders could not be read whole",
    });
    const marks = screen.getAllByTestId("backup-unread");
    expect(marks).toHaveLength(1);
    expect(marks[0]).toHaveAccessibleName(
      "12 files or folders could not be read whole",
    );

    await user.click(button("Show them", details));
    const unread = within(details).getByTestId("unread");
    await within(unread).findByText("permission denied");
    expect(unread).toHaveTextContent(
      "/home/ada/.local/share/com.pieces.os/cache/lock",
    );
    expect(unread).toHaveTextContent("and 10 more");
    expect(backend.called("backup_sources")).toEqual([
      { backup: newest(backend) },
    ]);
    await user.click(button("Hide them", details));
    expect(within(unread).queryByText("permission denied")).toBeNull();
  });

  it("are all named where two folders hold the same file", async () => {
    const [pieces, notes] = sourceRecords();
    const why = "permission denied";
    backendOf(2).on("backup_sources", () => [
      {
        ...pieces,
        path: "/home/ada",
        unread: [{ path: "pieces-data/notes/a", why }],
      },
      { ...notes, path: "/home/ada/notes", unread: [{ path: "notes/a", why }] },
    ]);
    const { user, details } = await openDetails();
    await user.click(button("Show them", details));
    expect(await within(details).findAllByText(why)).toHaveLength(2);
  });

  it("are named 200 at most", async () => {
    const why = "permission denied";
    const unread = Array.from({ length: 250 }, (_, at) => ({
      path: `pieces-data/file-${at}`,
      why,
    }));
    const [first] = sourceRecords();
    backendOf(250).on("backup_sources", () => [{ ...first, unread }]);
    const { user, details } = await openDetails();
    await user.click(button("Show them", details));
    expect(await within(details).findAllByText(why)).toHaveLength(200);
    within(details).getByText("and 50 more");
  });

  it("are not named where the service cannot be asked, which says why", async () => {
    backendOf(12).refuse("backup_sources", PROBLEMS.lost);
    const { user, details } = await openDetails();
    await user.click(button("Show them", details));
    expect(await within(details).findByRole("alert")).toHaveTextContent(
      PROBLEMS.lost.fix,
    );
  });
});

describe("a proof", () => {
  it("is a badge with its date", async () => {
    const backend = backendOf(0);
    backend.rows = backend.rows.map((row) => ({
      ...row,
      proven: "2026-11-22T09:30:00Z",
    }));
    const { details } = await openDetails();
    const badge = within(details).getByTestId("proven");
    expect(badge).toHaveTextContent("Proven restorable 22 Nov 2026, 09:30");
  });

  it.each([
    ["Quick check", "quick"],
    ["Full check", "full"],
    ["Rehearse a restore", "rehearsal"],
  ])("is asked for: %s", async (name, depth) => {
    const backend = backendOf(0);
    const { user, details } = await openDetails();
    await user.click(button("Verify…", details));
    await user.click(button(name, details));
    expect(backend.called("verify")).toEqual([
      { verify: { backup: newest(backend), depth } },
    ]);
    expect(button("Verify…", details)).toHaveFocus();
  });

  it("is chosen with the keyboard, and Escape leaves the choice", async () => {
    const backend = backendOf(0);
    const { user, details } = await openDetails();
    button("Verify…", details).focus();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(button("Quick check", details)).toHaveFocus());
    expect(button("Full check", details)).toHaveAccessibleDescription(
      /Reads every byte/,
    );
    await user.keyboard("{Escape}");
    expect(button("Verify…", details)).toHaveFocus();
    expect(backend.called("verify")).toEqual([]);
  });

  it("is shown as it is made, and how it ended", async () => {
    const backend = backendOf(0);
    const { user, details } = await openDetails();
    const running = job({ kind: "verification", backup: newest(backend) });
    backend.change({ job: running });
    await within(details).findByText("Checking the backup of 14:02");
    expect(within(details).queryByText("Verify…")).toBeNull();
    await user.click(button("Cancel", details));
    expect(backend.called("cancel_job")).toHaveLength(1);

    backend.change({
      job: ended("completed", {
        ...running,
        state: "completed",
        report: { depth: "rehearsal", backups: 1, bytes_read: 1 },
      }),
    });
    await within(details).findByText(
      "The backup of 14:02 is proven restorable",
    );
    await user.click(button("Dismiss", details));
    button("Verify…", details);
  });

  it("says why it could not begin", async () => {
    const backend = backendOf(0).refuse("verify", PROBLEMS.unreachable);
    const { user, details } = await openDetails();
    await user.click(button("Verify…", details));
    await user.click(button("Full check", details));
    expect(await screen.findByRole("alert")).toHaveTextContent(
      PROBLEMS.unreachable.message,
    );
    expect(backend.called("verify")).toHaveLength(1);
  });

  it("is not offered by a service that cannot make one, nor while a job runs", async () => {
    const backend = backendOf(0);
    backend.change({ job: job() });
    const { details } = await openDetails();
    expect(button("Verify…", details)).toBeDisabled();
    backend.change({ features: ["overview", "details"] });
    await waitFor(() =>
      expect(within(details).queryByText("Verify…")).toBeNull(),
    );
  });
});
