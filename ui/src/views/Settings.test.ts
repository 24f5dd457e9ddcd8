import { screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import type { Connection, FoundService } from "../lib/bindings";
import type { Backend } from "../lib/testing/backend";
import { ALL_EXTENSIONS, PROBLEMS, job } from "../lib/testing/fixtures";
import {
  backendWith,
  button,
  go,
  later,
  openWindow,
} from "../lib/testing/window";

const PIECES: FoundService = {
  name: "PiecesOS",
  address: "http://127.0.0.1:39300",
  version: "12.4.1",
  kind: "pieces",
};

const TO_PIECES: Connection = {
  target: { kind: "address", address: PIECES.address },
  name: "PiecesOS",
  address: PIECES.address,
  status: "connected",
  problem: null,
};

async function openSettings() {
  const user = openWindow();
  await go(user, "Settings");
  await screen.findByRole("heading", { name: "Settings" });
  return user;
}

function found(backend: Backend, ...services: FoundService[]): Backend {
  return backend.on("services", () => services);
}

const address = () => screen.getByLabelText("Other address");

describe("the connection", () => {
  it("goes to a service that was found", async () => {
    const backend = found(backendWith(3), PIECES);
    const user = await openSettings();
    await user.click(
      await screen.findByRole("button", { name: "Connect: PiecesOS" }),
    );
    expect(backend.called("connect")).toEqual([
      { target: { kind: "address", address: PIECES.address } },
    ]);
    backend.change({ connection: TO_PIECES, features: [] });
    await waitFor(() =>
      expect(screen.getByText("In use").closest("li")).toHaveTextContent(
        "PiecesOS 12.4.1, http://127.0.0.1:39300",
      ),
    );
    await user.click(button("Connect: This computer"));
    expect(backend.called("connect").at(-1)).toEqual({
      target: { kind: "embedded" },
    });
  });

  it("says what the service does not offer", async () => {
    found(backendWith(3, { connection: TO_PIECES, features: [] }), PIECES);
    await openSettings();
    const list = await screen.findByText("What PiecesOS does not offer");
    const missing = within(list.parentElement!).getAllByRole("listitem");
    expect(missing).toHaveLength(6);
  });

  it("says nothing of that about its own service", async () => {
    backendWith(3, { features: ALL_EXTENSIONS });
    await openSettings();
    await screen.findByText("No other service was found on this computer.");
    expect(screen.queryByText(/does not offer/)).toBeNull();
  });

  it("searches again when asked to", async () => {
    const backend = backendWith(3);
    const user = await openSettings();
    const slow = later<FoundService[]>();
    backend.on("services", () => slow.promise);
    await user.click(
      await screen.findByRole("button", { name: "Search again" }),
    );
    screen.getByText("Searching for services…");
    slow.resolve([PIECES]);
    await screen.findByRole("button", { name: "Connect: PiecesOS" });
  });

  it("goes to another address, also one without a scheme", async () => {
    const backend = backendWith(3);
    const user = await openSettings();
    await user.type(address(), " 127.0.0.1:8000 {Enter}");
    expect(backend.called("connect")).toEqual([
      { target: { kind: "address", address: "http://127.0.0.1:8000" } },
    ]);
    await waitFor(() => expect(address()).toHaveValue(""));
  });

  it.each([
    ["http://", "This is not an address."],
    ["ftp://127.0.0.1", "has to begin with http:// or https://"],
    ["http://127.0.0.1:8000/backups", "Only the computer and the port"],
    ["http://ada:secret@127.0.0.1", "Only the computer and the port"],
  ])("says what is wrong with the address %s", async (typed, why) => {
    const backend = backendWith(3);
    const user = await openSettings();
    await user.type(address(), `${typed}{Enter}`);
    expect(address()).toHaveAccessibleDescription(expect.stringContaining(why));
    expect(address()).toBeInvalid();
    expect(backend.called("connect")).toHaveLength(0);
    await user.type(address(), "x");
    expect(address()).toBeValid();
  });

  it("keeps the address that was refused, and says why", async () => {
    backendWith(3).refuse("connect", PROBLEMS.lost);
    const user = await openSettings();
    await user.type(address(), "http://127.0.0.1:8000{Enter}");
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent(PROBLEMS.lost.message);
    expect(alert).toHaveTextContent(PROBLEMS.lost.fix);
    expect(address()).toHaveValue("http://127.0.0.1:8000");
  });

  it("shows an address in use that the search did not find", async () => {
    backendWith(3, { connection: TO_PIECES, features: [] });
    await openSettings();
    const used = await screen.findByText("In use");
    expect(used.closest("li")).toHaveTextContent(PIECES.address);
  });

  it("is tried again when asked to", async () => {
    const backend = backendWith(3, {
      connection: { ...TO_PIECES, status: "lost", problem: PROBLEMS.lost },
    });
    const user = await openSettings();
    await user.click(button("Try again"));
    expect(backend.called("retry_connection")).toHaveLength(1);
  });
});

describe("what else there is to know", () => {
  it("is where backups go and how their key is kept", async () => {
    backendWith(3);
    await openSettings();
    screen.getByText("412 GB");
    screen.getByText("In the keychain");
    await screen.findByText("Shown by dunst");
  });

  it("is that notifications cannot be shown, and what changes that", async () => {
    backendWith(3).on("notifications", () => ({
      available: false,
      daemon: null,
    }));
    await openSettings();
    await screen.findByText(/A notification daemon such as dunst or mako/);
  });

  it("is hidden where the service does not say it", async () => {
    backendWith(3, { destination: null, key: null, connection: TO_PIECES });
    await openSettings();
    screen.getByText("PiecesOS does not say where it keeps its backups.");
    expect(screen.queryByText("Key protection")).toBeNull();
  });
});

describe("the passphrase of the key", () => {
  const field = (name: string) => screen.getByLabelText(name);

  it("is set where the key is not protected, once it is long enough and typed twice", async () => {
    const backend = backendWith(3);
    backend.change({ key: "unprotected" });
    const user = await openSettings();
    await user.type(field("New passphrase"), "short");
    await user.click(button("Set the passphrase"));
    await screen.findByText("A passphrase needs at least 8 characters.");
    await user.type(field("New passphrase"), " and longer");
    await user.click(button("Set the passphrase"));
    await screen.findByText("The two are not the same.");
    expect(backend.called("give_passphrase")).toEqual([]);

    await user.type(field("The same once more"), "short and longer");
    await user.click(button("Set the passphrase"));
    await screen.findByText("The key is encrypted with the passphrase.");
    expect(backend.called("give_passphrase")).toEqual([
      { passphrase: "short and longer" },
    ]);
    backend.change({ key: "passphrase" });
    await waitFor(() =>
      expect(screen.queryByLabelText("New passphrase")).toBeNull(),
    );
  });

  it("opens a key that is locked, and says when it is the wrong one", async () => {
    const backend = backendWith(3);
    backend.change({ key: "missing" });
    backend.refuse("give_passphrase", {
      code: "wrong-passphrase",
      message: "This is not the passphrase of the key. Nothing was changed.",
      fix: "Try again.",
    });
    const user = await openSettings();
    await user.type(field("Passphrase"), "guess");
    await user.click(button("Unlock"));
    await screen.findByText(/This is not the passphrase of the key/);
    expect(field("Passphrase")).toHaveValue("guess");
    backend.on("give_passphrase", () => null);
    await user.click(button("Unlock"));
    await screen.findByText("The destination is unlocked.");
  });

  it("is not asked for by a service that has no such key", async () => {
    const backend = backendWith(3);
    backend.change({ key: "unprotected", features: ["overview"] });
    await openSettings();
    expect(screen.queryByLabelText("New passphrase")).toBeNull();
  });
});

describe("checking all backups", () => {
  it.each([
    ["Quick check", "quick"],
    ["Full check", "full"],
  ])("is asked for: %s", async (name, depth) => {
    const backend = backendWith(3, { features: ALL_EXTENSIONS });
    const user = await openSettings();
    await user.click(button("Verify all backups…"));
    const choice = screen.getByRole("group", {
      name: "How to check all backups",
    });
    expect(within(choice).queryByText("Rehearse a restore")).toBeNull();
    await user.click(button(name, choice));
    expect(backend.called("verify")).toEqual([
      { verify: { backup: null, depth } },
    ]);
    expect(button("Verify all backups…")).toHaveFocus();
  });

  it("is shown as it goes, and what it found", async () => {
    const backend = backendWith(3, { features: ALL_EXTENSIONS });
    await openSettings();
    const running = job({ kind: "verification", backup: "" });
    backend.change({ job: running });
    await screen.findByText("Checking all backups");
    expect(screen.queryByText("Verify all backups…")).toBeNull();
    const report = { depth: "full" as const, backups: 3, bytes_read: 9 };
    backend.change({ job: { ...running, state: "completed", report } });
    await screen.findByText("No damage was found");
    expect(button("Verify all backups…")).toBeEnabled();
  });

  it("is not offered by a service that cannot", async () => {
    backendWith(3, { features: [] });
    await openSettings();
    expect(screen.queryByText("Verify all backups…")).toBeNull();
  });
});
