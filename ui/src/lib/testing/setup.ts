// What jsdom lacks, and the same language, time zone (vite.config.ts) and moment on every machine.

import "@testing-library/jest-dom/vitest";
import { afterEach, beforeEach, vi } from "vitest";
import { cleanup, configure } from "@testing-library/svelte";
import { tick } from "svelte";
import { clearMocks } from "@tauri-apps/api/mocks";
import { chooseLanguage } from "../messages";

export const NOW = new Date("2026-11-23T16:16:00Z");

/** jsdom has no layout: everything is as high as this. */
const HEIGHT = 600;

class Observer implements ResizeObserver {
  constructor(private told: ResizeObserverCallback) {}

  observe(target: Element): void {
    this.told([{ target } as ResizeObserverEntry], this);
  }

  unobserve(): void {}
  disconnect(): void {}
}

// How long to wait for what never comes. A machine that is busy with something else takes its time.
configure({ asyncUtilTimeout: 5_000 });

vi.stubGlobal("ResizeObserver", Observer);
Object.defineProperty(HTMLElement.prototype, "clientHeight", {
  get: () => HEIGHT,
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  chooseLanguage(["en-GB"]);
});

afterEach(async () => {
  vi.useRealTimers();
  // The window stops listening to the app, and that takes a moment, before there is none any more.
  cleanup();
  await tick();
  clearMocks();
});
