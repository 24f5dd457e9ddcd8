import { screen, waitFor, within } from "@testing-library/svelte";
import type { UserEvent } from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { PROBLEMS } from "../lib/testing/fixtures";
import type { Backend } from "../lib/testing/backend";
import {
  backendWith,
  button,
  chosen,
  go,
  later,
  openWindow,
  rows,
} from "../lib/testing/window";

/** Opens the window at its list, as soon as there are rows, with the focus in it. */
async function openList(): Promise<UserEvent> {
  const user = openWindow();
  await go(user, "Backups");
  (await screen.findByRole("grid")).focus();
  return user;
}

function id(backend: Backend, at: number): string {
  return backend.rows.at(at)?.backup.id ?? "";
}

const details = () => screen.getByRole("region", { name: "Chosen backup" });
const search = () => screen.getByRole("searchbox");

describe("the list", () => {
  it("shows when, where from, how big and what was new, by day", async () => {
    backendWith(20);
    await openList();
    const days = screen.getAllByRole("heading", { level: 2 });
    expect(days[0]).toHaveTextContent("Today");
    expect(days[1]).toHaveTextContent("Yesterday");
    const second = rows()[1];
    expect(second).toHaveTextContent(
      /^11:55 ThinkPad 311 MB 4,217 snippets 25.9 MB new 4 hours ago/,
    );
    expect(second?.querySelector("time")).toHaveAttribute(
      "title",
      expect.stringMatching(/^Monday,? 23 November 2026, 11:55:00$/),
    );
  });

  it("shows a backup once that a service lists twice", async () => {
    const backend = backendWith(3);
    backend.rows = [...backend.rows, backend.rows[2]!];
    await openList();
    expect(rows()).toHaveLength(3);
  });

  it("holds ten thousand backups with a screenful of rows, and reaches the last", async () => {
    const backend = backendWith(10_000);
    const user = await openList();
    expect(rows().length).toBeLessThan(40);
    expect(screen.getByRole("grid")).toHaveAttribute("aria-rowcount", "10000");
    await user.keyboard("{End}");
    await waitFor(() =>
      expect(chosen()).toHaveAttribute("data-backup-id", id(backend, -1)),
    );
    expect(chosen()).toHaveAttribute("aria-rowindex", "10000");
    expect(screen.getByRole("grid").scrollTop).toBeGreaterThan(500_000);
  });

  it("is fetched again when it may have changed, and keeps the choice", async () => {
    const backend = backendWith(3);
    const user = await openList();
    await user.keyboard("{ArrowDown}");
    const before = chosen().dataset.backupId;
    backend.rows = [...backendRows(backend, 1), ...backend.rows];
    backend.change({ backups_revision: 2 });
    await waitFor(() => expect(rows()).toHaveLength(4));
    expect(chosen()).toHaveAttribute("data-backup-id", before);
  });

  it("counts what an older answer says for nothing", async () => {
    const backend = backendWith(3);
    await openList();
    const slow = later<unknown>();
    backend.on("backups", () => slow.promise);
    backend.change({ backups_revision: 2 });
    backend.on("backups", () => backend.rows.slice(0, 2));
    backend.change({ backups_revision: 3 });
    await waitFor(() => expect(rows()).toHaveLength(2));
    slow.resolve(backend.rows);
    // One turn of the event loop, in which the older answer arrives.
    await new Promise((turned) => setTimeout(turned));
    expect(rows()).toHaveLength(2);
  });

  it("stays when it cannot be fetched again, and says so", async () => {
    const backend = backendWith(3);
    await openList();
    backend.refuse("backups", PROBLEMS.unreachable);
    backend.change({ backups_revision: 2 });
    await screen.findByText(PROBLEMS.unreachable.message, { exact: false });
    expect(rows()).toHaveLength(3);
  });

  it("says why it cannot be shown, and tries again when asked to", async () => {
    const backend = backendWith(3).refuse("backups", PROBLEMS.unreachable);
    const user = openWindow();
    await go(user, "Backups");
    await screen.findByRole("heading", {
      name: "The backups cannot be listed",
    });
    screen.getByText(PROBLEMS.unreachable.fix, { exact: false });
    backend.on("backups", () => backend.rows);
    await user.click(button("Try again"));
    await waitFor(() => expect(rows()).toHaveLength(3));
  });

  it("offers the first backup where there is none", async () => {
    const backend = backendWith(0);
    const user = openWindow();
    await go(user, "Backups");
    await screen.findByRole("heading", { name: "No backups yet" });
    await user.click(button("Back up now"));
    expect(backend.called("back_up_now")).toHaveLength(1);
  });

  it("forgets the backups of one service when the window goes to another", async () => {
    const backend = backendWith(3);
    await openList();
    backend.on("backups", () => []);
    backend.change({
      connection: {
        ...backend.view.connection,
        target: { kind: "address", address: "http://127.0.0.1:39300" },
      },
    });
    await screen.findByRole("heading", { name: "No backups yet" });
  });
});

describe("the search", () => {
  it("finds by device, date and size, all words at once", async () => {
    backendWith(20);
    const user = await openList();
    await user.keyboard("/");
    expect(search()).toHaveFocus();
    await user.keyboard("macbook");
    await screen.findByText("3 of 20 backups");
    for (const row of rows()) expect(row).toHaveTextContent("MacBook Pro");
    await user.keyboard(" today");
    await screen.findByText("1 of 20 backups");
    await user.clear(search());
    await user.keyboard("311 mb");
    await screen.findByText("1 of 20 backups");
  });

  it("leads to the list with the arrow, and ends with Escape", async () => {
    backendWith(20);
    const user = await openList();
    await user.keyboard("/macbook{ArrowDown}");
    expect(screen.getByRole("grid")).toHaveFocus();
    await user.keyboard("{Escape}");
    await screen.findByText("20 backups");
    expect(search()).toHaveValue("");
  });

  it("says what can be searched for when nothing is found", async () => {
    backendWith(20);
    const user = await openList();
    await user.keyboard("/zebra");
    await screen.findByRole("heading", { name: "No backup matches “zebra”" });
    screen.getByText(/a date such as “23 November”/);
    await user.click(button("Clear the search"));
    await screen.findByText("20 backups");
  });
});

describe("the keyboard", () => {
  it("moves through the list, and shows the chosen backup", async () => {
    const backend = backendWith(20);
    const user = await openList();
    expect(chosen()).toHaveAttribute("data-backup-id", id(backend, 0));
    await user.keyboard("{ArrowDown}{ArrowDown}{ArrowUp}");
    expect(chosen()).toHaveAttribute("data-backup-id", id(backend, 1));
    expect(screen.getByRole("grid")).toHaveAttribute(
      "aria-activedescendant",
      chosen().id,
    );
    expect(details()).toHaveTextContent("Today, 11:55");
    await user.keyboard("{PageDown}");
    expect(chosen()).toHaveAttribute("data-backup-id", id(backend, 9));
    await user.keyboard("{Home}{ArrowUp}");
    expect(chosen()).toHaveAttribute("data-backup-id", id(backend, 0));
  });

  it("goes on after a click on a row", async () => {
    const backend = backendWith(20);
    const user = openWindow();
    await go(user, "Backups");
    await screen.findByRole("grid");
    await user.click(within(rows()[3]!).getByText("ThinkPad"));
    await user.keyboard("{ArrowDown}");
    expect(chosen()).toHaveAttribute("data-backup-id", id(backend, 4));
  });

  it("opens the details with Enter, and leaves them with Escape", async () => {
    backendWith(3);
    const user = await openList();
    await user.keyboard("{Enter}");
    expect(button("Restore…", details())).toHaveFocus();
    await user.keyboard("{Escape}");
    expect(screen.getByRole("grid")).toHaveFocus();
  });
});

describe("deleting", () => {
  it("is done at once, and undone from the message", async () => {
    const backend = backendWith(3);
    const [, second] = backend.rows;
    backend.on("delete_backup", ({ backup }) => {
      backend.rows = backend.rows.filter((row) => row.backup.id !== backup);
      return null;
    });
    backend.on("undelete_backup", () => {
      backend.rows = second ? backend.rows.toSpliced(1, 0, second) : [];
      return null;
    });
    const user = await openList();
    await user.keyboard("{ArrowDown}{Delete}");
    await screen.findByText("Deleted the backup of 11:55.");
    expect(rows()).toHaveLength(2);
    // What came after it has taken its place.
    expect(chosen()).toHaveAttribute("data-backup-id", id(backend, 1));
    const given = { backup: second?.backup.id };
    expect(backend.called("delete_backup")).toEqual([given]);
    expect(screen.getByRole("grid")).toHaveFocus();

    await user.click(button("Undo"));
    expect(backend.called("undelete_backup")).toEqual([given]);
    await screen.findByText("The backup of 11:55 is back.");
    await waitFor(() => expect(rows()).toHaveLength(3));
    expect(chosen()).toHaveAttribute("data-backup-id", given.backup);
  });

  it("can still be undone where that was refused at first", async () => {
    const backend = backendWith(3);
    const user = await openList();
    await user.keyboard("{Delete}");
    await screen.findByText(/^Deleted/);
    backend.refuse("undelete_backup", PROBLEMS.unreachable);
    await user.click(button("Undo"));
    await screen.findByText(PROBLEMS.unreachable.message);
    backend.on("undelete_backup", () => null);
    await user.click(button("Undo"));
    expect(backend.called("undelete_backup")).toHaveLength(2);
    await screen.findByText(/is back\.$/);
  });

  it("waits for the one before it", async () => {
    const backend = backendWith(3);
    const first = later<null>();
    backend.on("delete_backup", () => first.promise);
    const user = await openList();
    await user.keyboard("{Delete}{Delete}");
    expect(rows()).toHaveLength(1);
    expect(backend.called("delete_backup")).toEqual([
      { backup: id(backend, 0) },
    ]);
    backend.on("delete_backup", () => null);
    first.resolve(null);
    await waitFor(() =>
      expect(backend.called("delete_backup")).toEqual([
        { backup: id(backend, 0) },
        { backup: id(backend, 1) },
      ]),
    );
  });

  it("is undone by Ctrl+Z too, but not while one types", async () => {
    const backend = backendWith(3);
    const user = await openList();
    await user.keyboard("{Delete}");
    await screen.findByText(/^Deleted/);
    await user.keyboard("/{Control>}z{/Control}");
    expect(backend.called("undelete_backup")).toHaveLength(0);
    await user.keyboard("{ArrowDown}{Control>}z{/Control}");
    expect(backend.called("undelete_backup")).toHaveLength(1);
  });

  it("asks first where the service cannot bring it back", async () => {
    const backend = backendWith(3, { features: ["overview"] });
    const user = await openList();
    await user.keyboard("{Delete}");
    await within(details()).findByText(/deletes backups for good/);
    expect(button("Keep it")).toHaveFocus();
    await user.click(button("Keep it"));
    expect(backend.called("delete_backup")).toHaveLength(0);

    await user.click(button("Delete", details()));
    await user.click(button("Delete for good"));
    expect(backend.called("delete_backup")).toEqual([
      { backup: id(backend, 0) },
    ]);
    await screen.findByText(/^Deleted/);
    expect(screen.queryByRole("button", { name: "Undo" })).toBeNull();
  });

  it("leaves the row where it was when it is refused, and says why", async () => {
    backendWith(3).refuse("delete_backup", PROBLEMS.unreachable);
    const user = await openList();
    await user.keyboard("{Delete}");
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent(PROBLEMS.unreachable.message);
    expect(alert).toHaveTextContent(PROBLEMS.unreachable.fix);
    expect(rows()).toHaveLength(3);
  });
});

describe("a service without the extensions", () => {
  it("shows no figures that it does not have", async () => {
    const backend = backendWith(2, { features: [] });
    backend.rows = backend.rows.map(({ backup }) => ({
      backup,
      assets: null,
      stored_bytes: null,
      sources: [],
      unread_count: 0,
      proven: null,
    }));
    await openList();
    expect(rows()[0]).not.toHaveTextContent(/snippets|new/);
    expect(details()).not.toHaveTextContent(/Snippets|New data/);
    expect(details()).toHaveTextContent("Size 312 MB");
  });
});

/** More backups, newer than all that there are. */
function backendRows(backend: Backend, count: number) {
  return backend.rows.slice(0, count).map((row) => ({
    ...row,
    backup: {
      ...row.backup,
      id: `${row.backup.id}-later`,
      created: { value: "2026-11-23T16:10:00Z" },
    },
  }));
}
