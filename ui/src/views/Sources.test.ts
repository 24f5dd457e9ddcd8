import { screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type {
  NewSource,
  Problem,
  Source,
  SourceChange,
  Sources,
} from "../lib/bindings";
import type { Backend } from "../lib/testing/backend";
import { ALL_EXTENSIONS, PROBLEMS } from "../lib/testing/fixtures";
import { backendWith, button, go, openWindow } from "../lib/testing/window";

const NOTES: Source = {
  id: "notes",
  kind: "folder",
  path: "/home/ada/Notes",
  excludes: ["*.tmp", "/cache/"],
};
const PIECES: NewSource = {
  path: "/home/ada/.local/share/com.pieces.os",
  kind: "pieces",
  excludes: ["/models/"],
};

/** A service that keeps these folders. */
function backendOf(sources: Sources): Backend {
  const backend = backendWith(3, { features: ALL_EXTENSIONS });
  let { items, suggested } = sources;
  return backend
    .on("sources", () => ({ items, suggested }))
    .on("add_source", ({ folder }) => {
      const { path, kind, excludes } = folder as NewSource;
      const id = path.split("/").at(-1) ?? "";
      const source: Source = { id, kind: kind ?? "folder", path, excludes };
      items = [...items, source];
      if (path === suggested?.path) suggested = null;
      return source;
    })
    .on("change_source", ({ source, change }) => {
      const { excludes } = change as SourceChange;
      items = items.map((one) =>
        one.id === source ? { ...one, excludes } : one,
      );
      return items.find((one) => one.id === source);
    })
    .on("remove_source", ({ source }) => {
      items = items.filter((one) => one.id !== source);
      return null;
    });
}

async function openSettings() {
  const user = openWindow();
  await go(user, "Settings");
  await screen.findByRole("heading", { name: "Protected folders" });
  return user;
}

async function openForm() {
  const user = await openSettings();
  await user.click(await screen.findByRole("button", { name: "Add folder…" }));
  return user;
}

const path = () => screen.getByLabelText("Path of the folder");
const excludes = () => screen.getByLabelText("What to leave out");

const refusal = (code: string, message: string): Problem => ({
  code,
  message,
  fix: "Choose another one.",
});

describe("protected folders", () => {
  it("are listed with their paths and what is left out", async () => {
    backendOf({ items: [NOTES] });
    await openSettings();
    const source = await screen.findByTestId("source");
    expect(source).toHaveTextContent("Notes /home/ada/Notes");
    expect(source).toHaveTextContent("Leaves out *.tmp, /cache/");
  });

  it("are none at first, and the library is protected all the same", async () => {
    backendOf({ items: [] });
    await openSettings();
    await screen.findByText(/No folder yet\. The library is protected/);
  });

  it("are not offered by a service that has none", async () => {
    backendWith(3);
    const user = openWindow();
    await go(user, "Settings");
    await screen.findByRole("heading", { name: "Destination" });
    expect(screen.queryByText("Protected folders")).toBeNull();
  });

  it("cannot be listed: why, and again when asked to", async () => {
    const backend = backendOf({ items: [NOTES] });
    const answers = backend.handler("sources");
    backend.refuse("sources", PROBLEMS.lost);
    const user = await openSettings();
    expect(await screen.findByRole("alert")).toHaveTextContent(
      PROBLEMS.lost.message,
    );
    backend.on("sources", answers);
    await user.click(button("Try again"));
    await screen.findByTestId("source");
  });
});

describe("adding a folder", () => {
  it("takes its path and a pattern a line, and lists it", async () => {
    const backend = backendOf({ items: [] });
    const user = await openForm();
    expect(path()).toHaveFocus();
    await user.type(path(), " /home/ada/Code ");
    await user.type(excludes(), "*.o{Enter}{Enter}target/");
    await user.click(button("Protect this folder"));
    expect(backend.called("add_source")).toEqual([
      {
        folder: {
          path: "/home/ada/Code",
          kind: "folder",
          excludes: ["*.o", "target/"],
        },
      },
    ]);
    expect(await screen.findByTestId("source")).toHaveTextContent("Code");
    await screen.findByText("Code is in every backup from the next one on.");
    await waitFor(() => expect(button("Add folder…")).toHaveFocus());
  });

  it("says at the path what is wrong with it, and keeps what was typed", async () => {
    const why = "This folder is not there. Nothing was changed.";
    backendOf({ items: [] }).refuse("add_source", refusal("bad-source", why));
    const user = await openForm();
    await user.type(path(), "/nowhere{Enter}");
    await waitFor(() => expect(path()).toBeInvalid());
    expect(path()).toHaveAccessibleDescription(`${why} Choose another one.`);
    expect(path()).toHaveValue("/nowhere");
    expect(path()).toHaveFocus();
    expect(excludes()).toBeValid();
    await user.type(path(), "/else");
    expect(path()).toBeValid();
  });

  it("says at the patterns what is wrong with one", async () => {
    const why = "The pattern [a cannot be read. Nothing was changed.";
    backendOf({ items: [] }).refuse("add_source", refusal("bad-pattern", why));
    const user = await openForm();
    await user.type(excludes(), "[[a");
    await user.type(path(), "/home/ada{Enter}");
    await waitFor(() => expect(excludes()).toBeInvalid());
    expect(excludes()).toHaveAccessibleDescription(
      `${why} Choose another one.`,
    );
    expect(excludes()).toHaveFocus();
    expect(path()).toBeValid();
  });

  it("is left with Escape, and nothing is added", async () => {
    const backend = backendOf({ items: [] });
    const user = await openForm();
    expect(button("Protect this folder")).toBeDisabled();
    await user.type(path(), "/home{Escape}");
    await waitFor(() => expect(button("Add folder…")).toHaveFocus());
    expect(backend.called("add_source")).toEqual([]);
  });

  it("takes one click for the data of PiecesOS", async () => {
    const backend = backendOf({ items: [], suggested: PIECES });
    const user = await openSettings();
    await screen.findByText(PIECES.path);
    await user.click(button("Protect it"));
    expect(backend.called("add_source")).toEqual([{ folder: PIECES }]);
    await waitFor(() => expect(screen.queryByText("Protect it")).toBeNull());
  });
});

describe("choosing a folder", () => {
  it("begins at what was typed, and fills in the path", async () => {
    const backend = backendOf({ items: [] });
    const user = await openForm();
    await user.type(path(), " /home/ada");
    backend.on("choose_folder", () => "/home/ada/Code");
    await user.click(button("Choose…"));
    await waitFor(() => expect(path()).toHaveValue("/home/ada/Code"));
    expect(path()).toHaveFocus();
    expect(backend.called("choose_folder")).toEqual([
      { title: "Choose a folder to protect", from: "/home/ada" },
    ]);
  });

  it("keeps what was typed where none is chosen, or none can be", async () => {
    const backend = backendOf({ items: [] });
    const user = await openForm();
    await user.type(path(), "/home");
    backend.on("choose_folder", () => null);
    await user.click(button("Choose…"));
    await waitFor(() => expect(button("Choose…")).toBeEnabled());
    backend.refuse("choose_folder", refusal("bad-path", "It is not UTF-8."));
    await user.click(button("Choose…"));
    await screen.findByText(/It is not UTF-8\./);
    expect(path()).toHaveValue("/home");
  });
});

describe("changing what is left out", () => {
  async function openChange(backend: Backend) {
    const user = await openSettings();
    await user.click(
      await screen.findByRole("button", {
        name: `Change what is left out: ${NOTES.path}`,
      }),
    );
    return { backend, user };
  }

  it("begins with the lines so far, and shows the new ones", async () => {
    const { backend, user } = await openChange(backendOf({ items: [NOTES] }));
    expect(excludes()).toHaveFocus();
    expect(excludes()).toHaveValue("*.tmp\n/cache/");
    expect(screen.queryByLabelText("Path of the folder")).toBeNull();
    await user.clear(excludes());
    await user.type(excludes(), "*.log{Enter} {Enter}");
    await user.click(button("Save"));
    expect(backend.called("change_source")).toEqual([
      { source: "notes", change: { excludes: ["*.log"] } },
    ]);
    await screen.findByText(/Leaves out \*\.log/);
    await waitFor(() =>
      expect(button(`Change what is left out: ${NOTES.path}`)).toHaveFocus(),
    );
  });

  it("says at the patterns what is wrong with one, and keeps them", async () => {
    const backend = backendOf({ items: [NOTES] });
    const why = "The pattern [a cannot be read. Nothing was changed.";
    backend.refuse("change_source", refusal("bad-pattern", why));
    const { user } = await openChange(backend);
    await user.type(excludes(), "{Enter}[[a");
    await user.click(button("Save"));
    await waitFor(() => expect(excludes()).toBeInvalid());
    expect(excludes()).toHaveValue("*.tmp\n/cache/\n[a");
    expect(excludes()).toHaveFocus();
  });

  it("is left with Escape, and nothing is changed", async () => {
    const { backend, user } = await openChange(backendOf({ items: [NOTES] }));
    await user.type(excludes(), "x{Escape}");
    await screen.findByText(/Leaves out \*\.tmp, \/cache\//);
    expect(backend.called("change_source")).toEqual([]);
  });
});

describe("removing a folder", () => {
  it("takes it off the list, and Undo adds it as it was", async () => {
    const backend = backendOf({ items: [NOTES] });
    const user = await openSettings();
    await user.click(
      await screen.findByRole("button", { name: `Remove: ${NOTES.path}` }),
    );
    await screen.findByText(/Notes is no longer backed up/);
    expect(backend.called("remove_source")).toEqual([{ source: "notes" }]);
    expect(screen.queryByTestId("source")).toBeNull();

    await user.click(button("Undo"));
    await screen.findByTestId("source");
    const { id: _, ...folder } = NOTES;
    expect(backend.called("add_source")).toEqual([{ folder }]);
  });

  it("can still be undone where that was refused at first", async () => {
    const backend = backendOf({ items: [NOTES] });
    const answers = backend.handler("add_source");
    backend.refuse("add_source", refusal("bad-source", "It is not there."));
    const user = await openSettings();
    await user.click(
      await screen.findByRole("button", { name: `Remove: ${NOTES.path}` }),
    );
    await screen.findByText(/Notes is no longer backed up/);
    await user.click(button("Undo"));
    await screen.findByText("It is not there.");
    backend.on("add_source", answers);
    await user.click(button("Undo"));
    await screen.findByTestId("source");
  });

  it("says why it was refused, and the folder stays", async () => {
    backendOf({ items: [NOTES] }).refuse("remove_source", PROBLEMS.lost);
    const user = await openSettings();
    await user.click(
      await screen.findByRole("button", { name: `Remove: ${NOTES.path}` }),
    );
    expect(await screen.findByRole("alert")).toHaveTextContent(
      PROBLEMS.lost.message,
    );
    screen.getByTestId("source");
  });
});
