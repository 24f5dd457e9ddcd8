// Stands in for the app behind the window: answers its commands from what a test or the page in dev/ put there.

import type { Channel } from "@tauri-apps/api/core";
import { emit } from "@tauri-apps/api/event";
import { mockIPC } from "@tauri-apps/api/mocks";
import type { BackupRow, Intent, Preview, Problem, View } from "../bindings";

type Handler = (args: Record<string, unknown>) => unknown;

export class Backend {
  rows: BackupRow[] = [];
  intent: Intent | null = null;
  /** Each command that came, except the ones that only ask. */
  calls: { command: string; args: Record<string, unknown> }[] = [];
  #channel: Channel<View> | null = null;
  #view: View;
  #handlers: Record<string, Handler>;

  constructor(view: View) {
    this.#view = view;
    this.#handlers = {
      watch: ({ channel }) => {
        this.#channel = channel as Channel<View>;
        this.#channel.onmessage(this.#view);
        return null;
      },
      backups: () => this.rows,
      take_intent: () => {
        const { intent } = this;
        this.intent = null;
        return intent;
      },
      services: () => [],
      notifications: () => ({ available: true, daemon: "dunst" }),
    };
    mockIPC(
      (command, args) => {
        const given = (args ?? {}) as Record<string, unknown>;
        if (!["watch", "take_intent"].includes(command)) {
          this.calls.push({ command, args: given });
        }
        return this.#handlers[command]?.(given) ?? null;
      },
      { shouldMockEvents: true },
    );
  }

  get view(): View {
    return this.#view;
  }

  /** Answers a command; throwing a problem refuses it. */
  on(command: string, handler: Handler): this {
    this.#handlers[command] = handler;
    return this;
  }

  handler(command: string): Handler {
    return this.#handlers[command] ?? (() => null);
  }

  refuse(command: string, problem: Problem): this {
    return this.on(command, () => {
      throw problem;
    });
  }

  previews(preview: Preview): this {
    return this.on("preview_restore", () => preview);
  }

  /** Sends the window another view. */
  show(view: View): void {
    this.#view = view;
    this.#channel?.onmessage(view);
  }

  change(changes: Partial<View>): void {
    this.show({ ...this.#view, ...changes });
  }

  async raise(intent: Intent): Promise<void> {
    this.intent = intent;
    await emit("intent-raised");
  }

  called(command: string): Record<string, unknown>[] {
    return this.calls
      .filter((one) => one.command === command)
      .map((one) => one.args);
  }
}
