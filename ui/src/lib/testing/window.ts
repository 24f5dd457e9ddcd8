// Opens the whole window on a stand-in for the app, and finds what tests look at in it.

import { render, screen, within } from "@testing-library/svelte";
import userEvent, { type UserEvent } from "@testing-library/user-event";
import App from "../../App.svelte";
import type { View } from "../bindings";
import { Backend } from "./backend";
import {
  ALL_EXTENSIONS,
  manyRows,
  preview,
  view,
  withSources,
} from "./fixtures";
import { NOW } from "./setup";

/** A backend with so many backups, of which each can be previewed. */
export function backendWith(count: number, changes: Partial<View> = {}) {
  const backend = new Backend(view(NOW, { backups_count: count, ...changes }));
  backend.rows = manyRows(count, NOW);
  return backend.on("preview_restore", ({ backup }) => {
    const row = backend.rows.find((one) => one.backup.id === backup);
    return row ? preview(row) : null;
  });
}

/** The newest of three backups has folders, and so many files of them could not be read. */
export function backendWithFolders(unread = 0, features = ALL_EXTENSIONS) {
  const backend = backendWith(3, { features });
  backend.rows = backend.rows.map((row, at) =>
    at === 0 ? withSources(row, unread) : row,
  );
  return backend;
}

export function newest(backend: Backend): string {
  return backend.rows[0]!.backup.id;
}

export function openWindow(): UserEvent {
  render(App);
  return userEvent.setup();
}

export function button(name: string | RegExp, inside = document.body) {
  return within(inside).getByRole("button", { name });
}

export async function go(user: UserEvent, place: string): Promise<void> {
  const places = screen.getByRole("navigation");
  await user.click(button(new RegExp(`^${place}`), places));
}

/** Opens the window, and in it the sheet that restores the newest backup. */
export async function openRestore(): Promise<UserEvent> {
  const user = openWindow();
  await go(user, "Backups");
  await screen.findByRole("grid");
  await user.click(button("Restore…", rows()[0]));
  await sheet();
  return user;
}

/** The sheet, as soon as there is one. */
export function sheet(): Promise<HTMLElement> {
  return screen.findByRole("dialog");
}

export function rows(): HTMLElement[] {
  return screen.queryAllByRole("row");
}

export function chosen(): HTMLElement {
  return screen.getByRole("row", { selected: true });
}

/** A promise that a test settles when it wants to. */
export function later<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (problem: unknown) => void = () => {};
  const promise = new Promise<T>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { promise, resolve, reject };
}
