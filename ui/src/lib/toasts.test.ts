import { beforeEach, describe, expect, it, vi } from "vitest";
import { Toasts } from "./toasts.svelte";

const texts = (toasts: Toasts) => toasts.shown.map((toast) => toast.text);

describe("messages", () => {
  beforeEach(() => void vi.useFakeTimers());

  it("go after a while, but not while somebody is at them", () => {
    const toasts = new Toasts();
    toasts.show({ tone: "plain", text: "one" });
    vi.advanceTimersByTime(11_000);
    toasts.hold(1);
    vi.advanceTimersByTime(60_000);
    expect(texts(toasts)).toEqual(["one"]);
    toasts.resume(1);
    vi.advanceTimersByTime(12_000);
    expect(texts(toasts)).toEqual([]);
  });

  it("stay where they last, until somebody is done with them", () => {
    const toasts = new Toasts();
    toasts.show({ tone: "bad", text: "refused", undo: vi.fn(), lasts: true });
    vi.advanceTimersByTime(600_000);
    toasts.hold(1);
    toasts.resume(1);
    for (const text of ["one", "two", "three"]) {
      toasts.show({ tone: "plain", text, undo: vi.fn() });
    }
    expect(texts(toasts)).toEqual(["refused", "one", "two", "three"]);
    vi.advanceTimersByTime(600_000);
    expect(texts(toasts)).toEqual(["refused"]);
    toasts.dismiss(1);
    expect(texts(toasts)).toEqual([]);
  });

  it("replace each other, but not one that can be undone", () => {
    const toasts = new Toasts();
    const undo = vi.fn();
    toasts.show({ tone: "plain", text: "deleted", undo });
    toasts.show({ tone: "plain", text: "two" });
    toasts.show({ tone: "bad", text: "three" });
    expect(texts(toasts)).toEqual(["deleted", "three"]);
    expect(toasts.undoNewest()).toBe(true);
    expect(undo).toHaveBeenCalledOnce();
    expect(texts(toasts)).toEqual(["three"]);
    expect(toasts.undoNewest()).toBe(false);
  });
});
