import { screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { Preview, Restore } from "../lib/bindings";
import type { Backend } from "../lib/testing/backend";
import {
  PROBLEMS,
  ended,
  partPreviews,
  preview,
} from "../lib/testing/fixtures";
import {
  backendWithFolders,
  button,
  go,
  later,
  newest,
  openRestore,
  sheet,
} from "../lib/testing/window";

const EVERYTHING = "Replace everything with the backup of 14:02";

/** Two folders beside the library. */
function backendOf(changes: Partial<Preview> = {}): Backend {
  const backend = backendWithFolders(12);
  return backend.on("preview_parts", () =>
    preview(backend.rows[0]!, { parts: partPreviews(), ...changes }),
  );
}

const radio = (name: string) => screen.getByRole("radio", { name });
const folder = () =>
  screen.getByLabelText("Path of the folder to restore into");

/** What was last asked to be foreseen. */
const foreseen = (backend: Backend) =>
  backend.called("preview_parts").at(-1)?.restore as Restore;

async function ready(name: string): Promise<HTMLElement> {
  await waitFor(() => expect(button(name)).toBeEnabled());
  return button(name);
}

describe("what to restore", () => {
  it("is everything at first, with what changes in each part", async () => {
    const backend = backendOf();
    const user = await openRestore();
    const dialog = within(await sheet());
    // The figures above tell of the library.
    const [pieces] = await dialog.findAllByTestId("restore-part");
    expect(pieces).toHaveTextContent("goes to /srv/pieces");
    expect(pieces).toHaveTextContent("com.pieces.os 1 added, 2 removed");
    expect(pieces).toHaveTextContent("production/new.db");
    dialog.getByText("in the library now");
    await user.click(await ready(EVERYTHING));
    expect(backend.called("restore_parts")).toEqual([
      { backup: newest(backend), restore: { what: "everything" } },
    ]);
    expect(backend.called("restore")).toEqual([]);
  });

  it("is one folder, which the button names", async () => {
    const backend = backendOf();
    const user = await openRestore();
    await user.click(radio("Only Notes"));
    expect(foreseen(backend)).toEqual({ what: { source: "notes" } });
    const dialog = within(await sheet());
    expect(dialog.queryByText("in the library now")).toBeNull();
    await user.click(await ready("Replace Notes with the backup of 14:02"));
    expect(backend.called("restore_parts")[0]?.restore).toEqual({
      what: { source: "notes" },
    });
  });

  it("is told by the path where two folders have the same name", async () => {
    const backend = backendOf();
    backend.rows = backend.rows.map((row) => ({
      ...row,
      sources: (row.sources ?? []).map((source, at) => ({
        ...source,
        path: ["/home/ada/Notes", "/mnt/disk/Notes"][at]!,
      })),
    }));
    const user = await openRestore();
    radio("Only /home/ada/Notes");
    await user.click(radio("Only /mnt/disk/Notes"));
    expect(foreseen(backend)).toEqual({ what: { source: "notes" } });
    await ready("Replace /mnt/disk/Notes with the backup of 14:02");
    const named = await within(await sheet()).findAllByTestId("restore-part");
    expect(named[1]).toHaveTextContent("/home/ada/Notes");
  });

  it("is the library, chosen with the keyboard", async () => {
    const backend = backendOf();
    const user = await openRestore();
    radio("Everything").focus();
    await user.keyboard("{ArrowDown}");
    await ready("Replace the library with the backup of 14:02");
    expect(foreseen(backend)).toEqual({ what: "library" });
  });

  it("is not asked where a backup holds the library alone", async () => {
    const backend = backendOf();
    backend.rows = backend.rows.map((row) => ({ ...row, sources: [] }));
    await openRestore();
    await ready("Replace the library with the backup of 14:02");
    expect(screen.queryByText("What to restore")).toBeNull();
    radio("Back in place");
  });

  it("is not shown as what it was, before it is looked at again", async () => {
    const backend = backendOf();
    const user = await openRestore();
    await ready(EVERYTHING);
    const slow = later<Preview>();
    backend.on("preview_parts", () => slow.promise);
    await user.click(radio("Only Notes"));
    expect(button(/^Replace Notes/)).toBeDisabled();
    expect(screen.queryAllByTestId("restore-part")).toEqual([]);
    backend.on("preview_parts", () =>
      preview(backend.rows[0]!, { parts: partPreviews().slice(0, 1) }),
    );
    await user.click(radio("Everything"));
    await ready(EVERYTHING);
    // The late answer to the first choice is no answer to the second.
    slow.resolve(preview(backend.rows[0]!, { problem: PROBLEMS.full }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(button(EVERYTHING)).toBeEnabled();
  });
});

describe("where to restore", () => {
  it("is a folder, once its path is given", async () => {
    const backend = backendOf();
    const user = await openRestore();
    await ready(EVERYTHING);
    const before = backend.called("preview_parts").length;
    await user.click(radio("Into a folder"));
    const act = "Copy into the folder from the backup of 14:02";
    expect(button(act)).toBeDisabled();
    expect(backend.called("preview_parts")).toHaveLength(before);

    await user.type(folder(), "/tmp/look");
    const restore = { what: "everything", folder: "/tmp/look" };
    await waitFor(() => expect(foreseen(backend)).toEqual(restore));
    expect(await sheet()).toHaveTextContent(
      "Nothing that is there is replaced",
    );
    await user.click(await ready(act));
    expect(backend.called("restore_parts")[0]?.restore).toEqual(restore);
    backend.change({
      job: ended("completed", {
        id: "into",
        kind: "restoration",
        backup: newest(backend),
        restores: { what: "everything", folder: "/tmp/look" },
      }),
      undo: {
        backup: "another",
        restored: "2026-11-23T10:00:00Z",
        assets: 1,
        bytes: 1,
      },
    });
    await screen.findByText(/It is in \/tmp\/look, checked byte for byte/);
    expect(screen.queryByRole("button", { name: "Undo restore" })).toBeNull();
  });

  it("says what is wrong with the folder, and takes another one", async () => {
    const backend = backendOf();
    const user = await openRestore();
    await ready(EVERYTHING);
    const why = "This folder is not empty. Nothing was changed.";
    backend.refuse("preview_parts", {
      code: "bad-folder",
      message: why,
      fix: "Choose another one.",
    });
    await user.click(radio("Into a folder"));
    await user.type(folder(), "/home/ada");
    expect(await screen.findByRole("alert")).toHaveTextContent(why);
    expect(button(/^Copy into the folder/)).toBeDisabled();
    backend.on("preview_parts", () => preview(backend.rows[0]!));
    await user.clear(folder());
    await user.type(folder(), "/tmp/other");
    await ready("Copy into the folder from the backup of 14:02");
    expect(screen.queryByRole("alert")).toBeNull();
  });
});

describe("a restore that failed", () => {
  it("is tried again as it was chosen, from the sheet and from Overview", async () => {
    const backend = backendOf();
    const user = await openRestore();
    await user.click(radio("Only Notes"));
    await user.click(radio("Into a folder"));
    await user.type(folder(), "/tmp/look");
    const act = "Copy into the folder from the backup of 14:02";
    await user.click(await ready(act));
    const restores = { what: { source: "notes" }, folder: "/tmp/look" };
    backend.change({
      job: ended("failed", {
        id: "failed",
        kind: "restoration",
        backup: newest(backend),
        problem: PROBLEMS.full,
        restores,
      }),
    });
    await user.click(
      await within(await sheet()).findByRole("button", { name: "Try again" }),
    );
    await ready(act);
    expect(folder()).toHaveValue("/tmp/look");
    expect(radio("Only Notes")).toBeChecked();
    await user.keyboard("{Escape}");

    backend.change({ job: { ...backend.view.job!, id: "again", started: "" } });
    await go(user, "Overview");
    await user.click(button("Try again", screen.getByTestId("job")));
    await ready(act);
    expect(foreseen(backend)).toEqual(restores);
  });
});

describe("a program that has files open", () => {
  it("is named before the restore starts, which may start", async () => {
    backendOf({ in_use_by: "Pieces" });
    await openRestore();
    await screen.findByText(/^Pieces has files open that would be replaced/);
    await ready(EVERYTHING);
  });
});
