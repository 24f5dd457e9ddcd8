import { screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it, vi } from "vitest";
import { chooseLanguage } from "./lib/messages";
import { PROBLEMS, ended, job, preview } from "./lib/testing/fixtures";
import {
  backendWith,
  button,
  chosen,
  go,
  later,
  openWindow,
  rows,
  sheet,
} from "./lib/testing/window";

describe("an intent", () => {
  it("shows a backup in the list", async () => {
    const backend = backendWith(500);
    openWindow();
    const { id } = backend.rows[300]!.backup;
    await screen.findByTestId("summary");
    await backend.raise({ kind: "show-backup", backup: id });
    await waitFor(() => expect(chosen().dataset.backupId).toBe(id));
    expect(screen.getByRole("grid").scrollTop).toBeGreaterThan(10_000);
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("opens the restore sheet of a backup", async () => {
    const backend = backendWith(5);
    openWindow();
    const { id } = backend.rows[2]!.backup;
    await backend.raise({ kind: "restore", backup: id });
    expect(await sheet()).toHaveAttribute("data-backup-id", id);
    expect(backend.called("preview_restore")).toEqual([{ backup: id }]);
  });

  it("leads to Overview, out of a sheet", async () => {
    const backend = backendWith(5);
    openWindow();
    const { id } = backend.rows[2]!.backup;
    await backend.raise({ kind: "restore", backup: id });
    await sheet();
    await backend.raise({ kind: "overview" });
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    screen.getByTestId("summary");
  });

  it("that came before the window was open is followed", async () => {
    const backend = backendWith(5);
    const { id } = backend.rows[2]!.backup;
    backend.intent = { kind: "show-backup", backup: id };
    openWindow();
    await waitFor(() => expect(chosen().dataset.backupId).toBe(id));
  });

  it("that came before the list is followed as soon as there is one", async () => {
    const backend = backendWith(5);
    const { id } = backend.rows[2]!.backup;
    const listed = later<unknown>();
    backend.on("backups", () => listed.promise);
    openWindow();
    await backend.raise({ kind: "show-backup", backup: id });
    await waitFor(() =>
      expect(screen.getByRole("main")).toContainElement(
        screen.getByLabelText("One moment…"),
      ),
    );
    expect(rows()).toHaveLength(0);
    listed.resolve(backend.rows);
    await waitFor(() => expect(chosen().dataset.backupId).toBe(id));
  });

  it("that came before the first view is not forgotten when that comes", async () => {
    const backend = backendWith(5);
    const { id } = backend.rows[2]!.backup;
    const works = backend.handler("watch");
    let show = () => {};
    backend.on("watch", (given) => {
      show = () => void works(given);
      return null;
    });
    backend.intent = { kind: "restore", backup: id };
    backend.refuse("preview_restore", PROBLEMS.lost);
    openWindow();
    expect(await sheet()).toHaveAttribute("data-backup-id", id);
    backend.previews(preview(backend.rows[2]!));
    show();
    await screen.findByText("in the library now");
    await waitFor(() => expect(chosen().dataset.backupId).toBe(id));
  });
});

describe("an intent about a backup that is gone", () => {
  it("says so, and shows no other one as if it were that", async () => {
    const backend = backendWith(5);
    const user = openWindow();
    await go(user, "Backups");
    await waitFor(() => expect(rows()).toHaveLength(5));
    await backend.raise({ kind: "show-backup", backup: "gone" });
    await screen.findByText("This backup is no longer in the list.");
  });
});

describe("a job that fails", () => {
  it("is told where nothing else tells of it", async () => {
    const backend = backendWith(5);
    const user = openWindow();
    await go(user, "Settings");
    backend.change({ job: job() });
    backend.change({ job: ended("failed", { problem: PROBLEMS.full }) });
    await screen.findByText(PROBLEMS.full.message);
  });

  it("is told anew although a job of another start with its id was dismissed", async () => {
    const backend = backendWith(5, { job: ended("completed") });
    const user = openWindow();
    await user.click(await screen.findByRole("button", { name: "Dismiss" }));
    expect(screen.queryByTestId("job")).toBeNull();
    backend.change({ job: job({ started: "2026-11-24T10:00:00Z" }) });
    await screen.findByTestId("job");
  });
});

describe("the window", () => {
  it("says that the app cannot be reached, and tries again when asked to", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const backend = backendWith(3);
    const works = backend.handler("watch");
    backend.on("watch", () => {
      throw new Error("no app");
    });
    const user = openWindow();
    expect(await screen.findByRole("alert")).toHaveTextContent(
      "The window could not reach the app. Your data is not affected.",
    );
    expect(screen.getByTestId("connection")).toHaveTextContent("Not connected");
    backend.on("watch", works);
    await user.click(button("Try again"));
    await screen.findByTestId("summary");
  });

  it("closes the sheet of a backup when it goes to another service", async () => {
    const backend = backendWith(5);
    openWindow();
    await backend.raise({
      kind: "restore",
      backup: backend.rows[2]!.backup.id,
    });
    await sheet();
    backend.change({
      connection: {
        ...backend.view.connection,
        target: { kind: "address", address: "http://127.0.0.1:39300" },
      },
    });
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  it("shows the connection at its foot, and leads from there to Settings", async () => {
    const backend = backendWith(3);
    const user = openWindow();
    const connection = await screen.findByTestId("connection");
    expect(connection).toHaveTextContent("This computer Connected");
    backend.change({
      connection: { ...backend.view.connection, status: "lost" },
    });
    await waitFor(() => expect(connection).toHaveTextContent("Not connected"));
    await user.click(connection);
    await screen.findByRole("heading", { name: "Settings" });
  });

  it("speaks German, with the problems of the service too", async () => {
    chooseLanguage(["de-DE"]);
    const backend = backendWith(3, {
      job: ended("failed", { problem: PROBLEMS.full }),
    });
    const user = openWindow();
    await screen.findByRole("heading", {
      name: "Geschützt. Letzte Sicherung vor 2 Stunden.",
    });
    expect(screen.getByTestId("job")).toHaveTextContent(
      "Am Ziel ist kein Platz mehr.",
    );
    expect(screen.getByRole("main")).not.toHaveTextContent(/no space/);
    await user.click(button("Jetzt sichern"));
    expect(backend.called("back_up_now")).toHaveLength(1);
    await go(user, "Sicherungen");
    await screen.findByRole("heading", { name: "Heute", level: 2 });
    expect(rows()[1]).toHaveTextContent("4.217 Snippets");
  });
});
