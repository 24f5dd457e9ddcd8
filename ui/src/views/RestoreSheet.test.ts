import { screen, waitFor, within } from "@testing-library/svelte";
import type { UserEvent } from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { Job, View } from "../lib/bindings";
import type { Backend } from "../lib/testing/backend";
import { PROBLEMS, ended, job, preview } from "../lib/testing/fixtures";
import { NOW } from "../lib/testing/setup";
import {
  backendWith,
  button,
  go,
  later,
  newest,
  openRestore,
  sheet,
} from "../lib/testing/window";

const CONFIRM = "Replace the library with the backup of 14:02";

function restoring(backend: Backend, changes: Partial<Job> = {}): Job {
  return job({
    id: "restore-1",
    kind: "restoration",
    backup: newest(backend),
    phase: "staging",
    ...changes,
  });
}

function restored(backend: Backend): Partial<View> {
  return {
    job: ended("completed", restoring(backend, { state: "completed" })),
    undo: {
      backup: newest(backend),
      restored: NOW.toISOString(),
      assets: 4232,
      bytes: 313_100_000,
    },
  };
}

/** Until the sheet shows that the restore is done. */
async function restore(user: UserEvent, backend: Backend): Promise<void> {
  await user.click(await screen.findByRole("button", { name: CONFIRM }));
  backend.change({ job: restoring(backend) });
  backend.change(restored(backend));
  await within(await sheet()).findByRole("heading", {
    name: "Restored the backup of 14:02",
  });
}

describe("before a restore", () => {
  it("shows what it would change, by name, and what it needs", async () => {
    backendWith(3);
    await openRestore();
    const dialog = await sheet();
    expect(dialog).toHaveAccessibleName("Restore the backup of 14:02?");
    await within(dialog).findByText("in the library now");
    expect(dialog).toHaveTextContent("4,232 in the library now");
    expect(dialog).toHaveTextContent("4,218 in the backup");
    expect(dialog).toHaveTextContent("14 newer than the backup");
    expect(dialog).toHaveTextContent(
      "retry with jitter, axum extractor order, fts5 rank, tabular figures, restic chunker notes and 9 more",
    );
    expect(dialog).toHaveTextContent("It needs 320 MB while it runs");
    expect(dialog).toHaveTextContent("What is replaced is kept.");
  });

  it("starts by a button that names the act, with this backup", async () => {
    const backend = backendWith(3);
    const user = await openRestore();
    await user.click(await screen.findByRole("button", { name: CONFIRM }));
    expect(backend.called("restore")).toEqual([{ backup: newest(backend) }]);
  });

  it("cannot start before it is known what it would change", async () => {
    const backend = backendWith(3);
    const looked = later<unknown>();
    backend.on("preview_restore", () => looked.promise);
    await openRestore();
    expect(button(CONFIRM)).toBeDisabled();
    looked.resolve(preview(backend.rows[0]!));
    await waitFor(() => expect(button(CONFIRM)).toBeEnabled());
  });

  it("cannot start without the space it needs", async () => {
    const backend = backendWith(3);
    backend.previews(preview(backend.rows[0]!, { problem: PROBLEMS.full }));
    await openRestore();
    const dialog = within(await sheet());
    expect(await dialog.findByRole("alert")).toHaveTextContent(
      PROBLEMS.full.fix,
    );
    expect(button(CONFIRM)).toBeDisabled();
  });

  it("cannot start while another job runs, and can when it has ended", async () => {
    const backend = backendWith(3, { job: job() });
    await openRestore();
    expect(await sheet()).toHaveTextContent("Another job is running.");
    expect(button(CONFIRM)).toBeDisabled();
    backend.change({ job: ended("completed") });
    await waitFor(() => expect(button(CONFIRM)).toBeEnabled());
  });

  it("does not hide that another job failed meanwhile", async () => {
    const backend = backendWith(3, { job: job() });
    await openRestore();
    backend.change({ job: ended("failed", { problem: PROBLEMS.full }) });
    expect(await screen.findByTestId("toast")).toHaveTextContent(
      PROBLEMS.full.message,
    );
  });

  it("says why it cannot look, and looks again when asked to", async () => {
    const backend = backendWith(3);
    backend.refuse("preview_restore", PROBLEMS.damaged);
    const user = await openRestore();
    const dialog = within(await sheet());
    expect(await dialog.findByRole("alert")).toHaveTextContent(
      PROBLEMS.damaged.message,
    );
    expect(button(CONFIRM)).toBeDisabled();
    backend.previews(preview(backend.rows[0]!));
    await user.click(button("Try again", await sheet()));
    await waitFor(() => expect(button(CONFIRM)).toBeEnabled());
  });

  it("warns where the service can neither look nor undo", async () => {
    backendWith(3, { features: [] }).refuse("preview_restore", {
      code: "unsupported",
      message: "This service does not offer it.",
      fix: "",
    });
    await openRestore();
    const dialog = within(await sheet());
    await dialog.findByText(/replaces the whole library/);
    dialog.getByText(/does not keep what a restore replaces/);
    expect(dialog.queryByText(/Undo restore/)).toBeNull();
    expect(button(CONFIRM)).toBeEnabled();
  });
});

describe("the sheet", () => {
  it("closes with Escape, and the focus returns to the list", async () => {
    const backend = backendWith(3);
    const user = await openRestore();
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(screen.getByRole("grid")).toHaveFocus();
    expect(backend.called("restore")).toHaveLength(0);
  });

  it("keeps the focus inside, and the window behind it out of reach", async () => {
    backendWith(3);
    const user = await openRestore();
    await waitFor(() => expect(button(CONFIRM)).toBeEnabled());
    expect(await sheet()).toHaveFocus();
    expect(screen.getByRole("main").parentElement).toHaveProperty(
      "inert",
      true,
    );
    await user.tab();
    expect(button("Not now")).toHaveFocus();
    await user.tab();
    expect(button(CONFIRM)).toHaveFocus();
    await user.tab();
    expect(button("Not now")).toHaveFocus();
    await user.tab({ shift: true });
    expect(button(CONFIRM)).toHaveFocus();
  });

  it("keeps its keys after the button that had the focus has gone", async () => {
    const backend = backendWith(3);
    const user = await openRestore();
    await user.click(await screen.findByRole("button", { name: CONFIRM }));
    backend.change({ job: restoring(backend) });
    await within(await sheet()).findByText(/193 of 312 MB/);
    await user.tab();
    expect(button("Cancel", await sheet())).toHaveFocus();
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(backend.called("cancel_job")).toHaveLength(0);
  });
});

describe("during a restore", () => {
  it("shows the job from the click on, and then each step of it", async () => {
    const backend = backendWith(3, { job: ended("completed") });
    const user = await openRestore();
    await user.click(await screen.findByRole("button", { name: CONFIRM }));
    const shown = within(await sheet()).getByTestId("job");
    expect(shown).toHaveAttribute("data-percentage", "0");
    expect(button("Cancel", shown)).toBeDisabled();

    backend.change({ job: restoring(backend) });
    await waitFor(() => expect(shown).toHaveTextContent("193 of 312 MB"));
    expect(shown).toHaveTextContent("Nothing has changed yet.");
    backend.change({
      job: restoring(backend, { phase: "committing", cancelable: false }),
    });
    await waitFor(() => expect(shown).toHaveTextContent("putting it in place"));
    expect(button("Cancel", shown)).toBeDisabled();
  });

  it("does not take an earlier restore of the same backup for this one", async () => {
    const backend = backendWith(3);
    backend.change({
      job: ended("completed", restoring(backend, { state: "completed" })),
    });
    const user = await openRestore();
    await user.click(await screen.findByRole("button", { name: CONFIRM }));
    backend.change({ backups_count: 4 });
    await within(screen.getByRole("navigation")).findByText("4");
    expect(within(await sheet()).getByTestId("job")).toHaveAttribute(
      "data-state",
      "queued",
    );
  });

  it("goes on in the background, where Overview shows it and its end once", async () => {
    const backend = backendWith(3);
    const user = await openRestore();
    await user.click(await screen.findByRole("button", { name: CONFIRM }));
    backend.change({ job: restoring(backend) });
    await user.click(button("Continue in the background"));
    await go(user, "Overview");
    const card = await screen.findByTestId("job");
    expect(card).toHaveTextContent("Restoring the backup of 14:02");

    backend.change(restored(backend));
    await screen.findByRole("heading", {
      name: "The backup of 14:02 was restored just now",
    });
    expect(screen.queryByTestId("job")).toBeNull();
  });

  it("is cancelled by Cancel, and says that nothing has changed", async () => {
    const backend = backendWith(3);
    const user = await openRestore();
    await user.click(await screen.findByRole("button", { name: CONFIRM }));
    backend.change({ job: restoring(backend) });
    await waitFor(() => expect(button("Cancel")).toBeEnabled());
    await user.click(button("Cancel"));
    expect(backend.called("cancel_job")).toHaveLength(1);
    backend.change({
      job: ended("canceled", restoring(backend, { state: "canceled" })),
    });
    const dialog = within(await sheet());
    await dialog.findByRole("heading", { name: "The restore was cancelled" });
    dialog.getByText(/Nothing has changed/);
    expect(dialog.queryByRole("button", { name: "Undo restore" })).toBeNull();

    // Once is enough.
    await user.click(button("Done", await sheet()));
    await go(user, "Overview");
    await screen.findByTestId("summary");
    expect(screen.queryByTestId("job")).toBeNull();
  });

  it("is back at the preview when it is refused, and says why", async () => {
    backendWith(3).refuse("restore", PROBLEMS.locked);
    const user = await openRestore();
    await user.click(await screen.findByRole("button", { name: CONFIRM }));
    const dialog = within(await sheet());
    const alert = await dialog.findByRole("alert");
    expect(alert).toHaveTextContent(PROBLEMS.locked.message);
    expect(alert).toHaveTextContent(PROBLEMS.locked.fix);
    dialog.getByText("in the library now");
  });
});

describe("after a restore", () => {
  it("undoes it, and shows how that goes", async () => {
    const backend = backendWith(3);
    const undone = later<null>();
    backend.on("undo_restore", () => undone.promise);
    const user = await openRestore();
    await restore(user, backend);
    await user.click(button("Undo restore", await sheet()));
    expect(backend.called("undo_restore")).toHaveLength(1);

    const running = restoring(backend, { id: "undo-1", kind: "undo" });
    backend.change({ job: running, undo: null });
    const dialog = within(await sheet());
    await dialog.findByRole("heading", { name: "Undoing the restore" });
    await dialog.findByText("193 of 312 MB");
    backend.change({
      job: ended("completed", { ...running, state: "completed" }),
    });
    undone.resolve(null);
    expect(await screen.findByTestId("toast")).toHaveTextContent(
      "The restore is undone.",
    );
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("offers no undo where nothing was replaced, but something before", async () => {
    const before = new Date(NOW.getTime() - 3 * 3_600_000).toISOString();
    const backend = backendWith(3);
    const user = await openRestore();
    await user.click(await screen.findByRole("button", { name: CONFIRM }));
    const { job, undo } = restored(backend);
    const dialog = within(await sheet());
    for (const other of [{ restored: before }, { backup: "another" }]) {
      backend.change({ job: job!, undo: { ...undo!, ...other } });
      await dialog.findByRole("heading", {
        name: "Restored the backup of 14:02",
      });
      expect(dialog.queryByRole("button", { name: "Undo restore" })).toBeNull();
      expect(dialog.queryByText(/^What was replaced is kept/)).toBeNull();
    }
  });

  it("follows an undo that was asked for elsewhere", async () => {
    const backend = backendWith(3);
    const user = await openRestore();
    await restore(user, backend);
    const running = restoring(backend, { id: "undo-1", kind: "undo" });
    backend.change({ job: running, undo: null });
    await within(await sheet()).findByRole("heading", {
      name: "Undoing the restore",
    });
  });

  it("says that the undo failed, and why", async () => {
    const backend = backendWith(3);
    backend.refuse("undo_restore", PROBLEMS.locked);
    const user = await openRestore();
    await restore(user, backend);
    await user.click(button("Undo restore", await sheet()));
    const alert = await within(await sheet()).findByRole("alert");
    expect(alert).toHaveTextContent("The restore could not be undone");
    expect(alert).toHaveTextContent(PROBLEMS.locked.fix);
  });

  it("failed: what happened, what it means, what to do, and a way to do it", async () => {
    const backend = backendWith(3);
    const user = await openRestore();
    await user.click(await screen.findByRole("button", { name: CONFIRM }));
    backend.change({
      job: ended("failed", {
        ...restoring(backend, { state: "failed" }),
        problem: PROBLEMS.damaged,
      }),
    });
    const dialog = within(await sheet());
    await dialog.findByRole("heading", { name: "The restore failed" });
    dialog.getByText(PROBLEMS.damaged.message);
    dialog.getByText(PROBLEMS.damaged.fix);
    await user.click(button("Try again", await sheet()));
    await screen.findByRole("dialog", { name: "Restore the backup of 14:02?" });
  });

  it("is not told again on Overview, which offers the undo", async () => {
    const backend = backendWith(3);
    const user = await openRestore();
    await restore(user, backend);
    await user.click(button("Done", await sheet()));
    await go(user, "Overview");
    await screen.findByRole("heading", {
      name: "The backup of 14:02 was restored just now",
    });
    expect(screen.queryByTestId("job")).toBeNull();
    button("Undo restore");
  });
});
