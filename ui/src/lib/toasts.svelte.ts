// Short messages at the foot of the window, some with an *Undo*.

import type { Problem } from "./bindings";
import { inWords } from "./problem";

const PATIENCE = 12_000;

export type Toast = {
  id: number;
  tone: "plain" | "bad";
  text: string;
  /** What to do about it, for a failure. */
  more?: string;
  undo?: () => void;
  /** It stays until somebody is done with it. */
  lasts?: boolean;
};

export class Toasts {
  shown = $state.raw<Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();

  show(toast: Omit<Toast, "id">): void {
    const id = this.#next++;
    // One with an undo stays when others come; of the rest, the newest is enough.
    const undos = this.shown.filter((other) => other.undo && !other.lasts);
    const newest = undos.slice(-2);
    const kept = this.shown.filter(
      (other) => other.lasts || newest.includes(other),
    );
    for (const other of this.shown) {
      if (!kept.includes(other)) this.hold(other.id);
    }
    this.shown = [...kept, { id, ...toast }];
    this.resume(id);
  }

  /** With `again`, what was refused can be tried once more: it is a way back, which must not get lost. */
  fail(problem: Problem, again?: () => void): void {
    const { message, fix } = inWords(problem);
    const retry = again ? { undo: again, lasts: true } : {};
    this.show({ tone: "bad", text: message, more: fix, ...retry });
  }

  dismiss(id: number): void {
    this.hold(id);
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  undo(id: number): void {
    const toast = this.shown.find((toast) => toast.id === id);
    this.dismiss(id);
    toast?.undo?.();
  }

  /** What Ctrl+Z does; false if there is nothing to undo. */
  undoNewest(): boolean {
    const newest = this.shown.findLast((toast) => toast.undo);
    if (newest) this.undo(newest.id);
    return newest !== undefined;
  }

  /** Keeps it on the screen, while somebody points at it or has the focus in it. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  resume(id: number): void {
    this.hold(id);
    if (this.shown.find((toast) => toast.id === id)?.lasts) return;
    const timer = setTimeout(() => this.dismiss(id), PATIENCE);
    this.#timers.set(id, timer);
  }
}
