import { screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { Difference, Entry } from "../lib/bindings";
import type { Backend } from "../lib/testing/backend";
import { ALL_EXTENSIONS, PROBLEMS, preview } from "../lib/testing/fixtures";
import {
  backendWithFolders,
  button,
  go,
  later,
  newest,
  openWindow,
  sheet,
} from "../lib/testing/window";

function entry(path: string, kind: Entry["kind"] = "file"): Entry {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const modified = "2026-11-20T08:00:00Z";
  return { name, path, kind, bytes: 1_200_000, modified };
}

const PAGES: Record<string, Entry[][]> = {
  "": [
    [entry("library", "folder"), entry("library.db", "database")],
    [entry("notes", "folder")],
  ],
  notes: [[entry("notes/journal", "folder"), entry("notes/todo.md")]],
  "notes/journal": [[]],
  library: [[{ ...entry("library/1", "item"), title: "retry with jitter" }]],
};

/** Its folders come page by page. */
function backendOf(features = ALL_EXTENSIONS): Backend {
  const backend = backendWithFolders(0, features);
  return backend
    .on("preview_parts", () => preview(backend.rows[0]!))
    .on("entries", ({ path, after }) => {
      const pages = PAGES[String(path)] ?? [];
      const at = after === null ? 0 : Number(after);
      return {
        items: pages[at],
        next: at + 1 < pages.length ? String(at + 1) : null,
      };
    });
}

async function openBrowser() {
  const user = openWindow();
  await go(user, "Backups");
  await user.click(await screen.findByTestId("backup-browse"));
  const dialog = await sheet();
  return { user, dialog };
}

const names = (dialog: HTMLElement) =>
  within(dialog)
    .queryAllByTestId("entry")
    .map((row) => row.dataset.path);

describe("looking into a backup", () => {
  it("goes page by page, folder by folder, and back by the way", async () => {
    const backend = backendOf();
    const { user, dialog } = await openBrowser();
    expect(dialog).toHaveAccessibleName("The backup of 14:02");
    await waitFor(() =>
      expect(names(dialog)).toEqual(["library", "library.db"]),
    );
    await user.click(button("Show more", dialog));
    await waitFor(() =>
      expect(names(dialog)).toEqual(["library", "library.db", "notes"]),
    );
    await user.click(await screen.findByRole("button", { name: "Open Notes" }));
    await waitFor(() =>
      expect(names(dialog)).toEqual(["notes/journal", "notes/todo.md"]),
    );
    expect(within(dialog).queryByText("Show more")).toBeNull();
    const todo = within(dialog).getAllByTestId("entry")[1];
    expect(todo).toHaveTextContent("todo.md");
    expect(todo).toHaveTextContent("20 Nov 2026, 08:00");
    expect(todo).toHaveTextContent("1.2 MB");
    expect(backend.called("entries").map((one) => one.after)).toEqual([
      null,
      "1",
      null,
    ]);

    await user.click(button("Open journal", dialog));
    await within(dialog).findByText("This folder is empty.");
    const way = within(dialog).getByRole("navigation");
    expect(button("journal", way)).toHaveAttribute("aria-current", "page");
    expect(button("journal", way)).toHaveFocus();
    await user.click(button("Notes", way));
    await waitFor(() => expect(names(dialog)).toHaveLength(2));
    await user.click(button("Backup", way));
    await waitFor(() => expect(names(dialog)).toContain("library"));
  });

  it("shows the items of the library by name, which come back only together", async () => {
    backendOf();
    const { user, dialog } = await openBrowser();
    await user.click(
      await screen.findByRole("button", { name: "Open Library" }),
    );
    await within(dialog).findByText("retry with jitter");
    expect(within(dialog).queryByTestId("entry-restore")).toBeNull();
  });

  it("says why a folder cannot be read, and reads it when asked again", async () => {
    const backend = backendOf();
    const entries = backend.handler("entries");
    backend.refuse("entries", PROBLEMS.damaged);
    const { user, dialog } = await openBrowser();
    expect(await within(dialog).findByRole("alert")).toHaveTextContent(
      PROBLEMS.damaged.message,
    );
    backend.on("entries", entries);
    await user.click(button("Try again", dialog));
    await waitFor(() => expect(names(dialog)).toHaveLength(2));
  });

  it("takes no late answer of one folder for another", async () => {
    const backend = backendOf();
    const { user, dialog } = await openBrowser();
    await waitFor(() => expect(names(dialog)).toHaveLength(2));
    const entries = backend.handler("entries");
    const slow = later<unknown>();
    backend.on("entries", () => slow.promise);
    await user.click(button("Open Library", dialog));
    backend.on("entries", entries);
    await user.click(button("Backup", dialog));
    await waitFor(() => expect(names(dialog)).toHaveLength(2));
    slow.resolve({ items: [entry("library/9", "item")], next: null });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(names(dialog)).toEqual(["library", "library.db"]);
  });

  it("is left with Escape, and is not offered where it cannot be done", async () => {
    const backend = backendOf();
    const { user } = await openBrowser();
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(screen.getByTestId("backup-browse")).toHaveFocus();
    backend.change({ features: ["overview", "details"] });
    await waitFor(() =>
      expect(screen.queryByTestId("backup-browse")).toBeNull(),
    );
  });
});

describe("a file", () => {
  it("is restored alone, and afterwards the folder is still open", async () => {
    const backend = backendOf();
    const { user, dialog } = await openBrowser();
    await user.click(await screen.findByRole("button", { name: "Show more" }));
    await user.click(await screen.findByRole("button", { name: "Open Notes" }));
    await user.click(
      await screen.findByRole("button", { name: "Restore todo.md…" }),
    );
    expect(dialog).not.toBeInTheDocument();
    const restore = await screen.findByTestId("restore-sheet");
    expect(within(restore).getByTestId("restore-paths")).toHaveTextContent(
      "notes/todo.md",
    );
    const act = "Restore todo.md from the backup of 14:02";
    await waitFor(() => expect(button(act)).toBeEnabled());
    await user.click(button(act));
    expect(backend.called("restore_parts")).toEqual([
      {
        backup: newest(backend),
        restore: { what: { paths: ["notes/todo.md"] } },
      },
    ]);
    await user.keyboard("{Escape}");
    const again = await screen.findByTestId("browse-sheet");
    expect(names(again)).toEqual(["notes/journal", "notes/todo.md"]);
  });

  it("cannot be, where the service restores only the whole", async () => {
    backendOf(ALL_EXTENSIONS.filter((name) => name !== "restore-parts"));
    const { dialog } = await openBrowser();
    await waitFor(() => expect(names(dialog)).toHaveLength(2));
    expect(within(dialog).queryByTestId("entry-restore")).toBeNull();
  });
});

describe("what has changed since", () => {
  const change = (path: string, change: Difference["change"]): Difference => ({
    path,
    kind: "file",
    change,
    bytes_before: 1000,
    bytes_after: change === "removed" ? null : 2000,
  });

  it("is listed page by page", async () => {
    const backend = backendOf().on("changes_since", ({ after }) =>
      after === null
        ? { items: [change("notes/a", "added")], next: "a" }
        : { items: [change("notes/b", "removed")], next: null },
    );
    const { user, dialog } = await openBrowser();
    await user.click(button("Changes until now", dialog));
    const first = await within(dialog).findByTestId("change");
    expect(first).toHaveTextContent("added");
    expect(first).toHaveTextContent("notes/a");
    await user.click(button("Show more", dialog));
    await within(dialog).findByText("notes/b");
    expect(within(dialog).getAllByTestId("change")).toHaveLength(2);
    expect(backend.called("changes_since")).toEqual([
      { backup: newest(backend), after: null },
      { backup: newest(backend), after: "a" },
    ]);
    await user.click(button("Contents", dialog));
    await waitFor(() => expect(names(dialog)).toHaveLength(2));
  });

  it("is nothing, or cannot be told", async () => {
    const backend = backendOf().on("changes_since", () => ({ items: [] }));
    const { user, dialog } = await openBrowser();
    await user.click(button("Changes until now", dialog));
    await within(dialog).findByText("Nothing has changed since this backup.");
    await user.keyboard("{Escape}");

    backend.refuse("changes_since", PROBLEMS.damaged);
    await user.click(screen.getByTestId("backup-browse"));
    await user.click(button("Changes until now", await sheet()));
    expect(await screen.findByRole("alert")).toHaveTextContent(
      PROBLEMS.damaged.message,
    );
  });

  it("is not offered by a service that cannot compare", async () => {
    backendOf(ALL_EXTENSIONS.filter((name) => name !== "compare"));
    const { dialog } = await openBrowser();
    await waitFor(() => expect(names(dialog)).toHaveLength(2));
    expect(within(dialog).queryByText("Changes until now")).toBeNull();
  });
});
