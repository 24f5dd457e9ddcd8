// The folders that are in every backup: which there are, adding one, and taking one off the list with a way back.

import {
  commands,
  type NewSource,
  type Problem,
  type Source,
  type Sources,
} from "./bindings";
import { t } from "./messages";
import { ask } from "./problem";
import { folderName } from "./sources";
import type { Toasts } from "./toasts.svelte";

export class Protected {
  /** Null before the service has said. */
  sources = $state.raw<Sources | null>(null);
  /** Why it did not. */
  problem = $state.raw<Problem | null>(null);
  changing = $state(false);

  #toasts: Toasts;
  #loads = 0;

  constructor(toasts: Toasts) {
    this.#toasts = toasts;
  }

  async load(): Promise<void> {
    const load = ++this.#loads;
    const answer = await ask(commands.sources());
    if (load !== this.#loads) return;
    this.problem = answer.ok ? null : answer.problem;
    if (answer.ok) this.sources = answer.data;
  }

  /** Null when it is added; why not, otherwise. */
  async add(folder: NewSource): Promise<Problem | null> {
    this.changing = true;
    const answer = await ask(commands.addSource(folder));
    if (answer.ok) await this.load();
    this.changing = false;
    if (!answer.ok) return answer.problem;
    const name = folderName(answer.data);
    this.#toasts.show({
      tone: "plain",
      text: t("settings.sources.added", { name }),
    });
    return null;
  }

  /** What is left out of a folder from now on. Null when it is changed; why not, otherwise. */
  async change(source: Source, excludes: string[]): Promise<Problem | null> {
    this.changing = true;
    const answer = await ask(commands.changeSource(source.id, { excludes }));
    if (answer.ok) await this.load();
    this.changing = false;
    if (!answer.ok) return answer.problem;
    this.#toasts.show({
      tone: "plain",
      text: t("settings.sources.changed", { name: folderName(source) }),
    });
    return null;
  }

  async remove(source: Source): Promise<void> {
    this.changing = true;
    const answer = await ask(commands.removeSource(source.id));
    await this.load();
    this.changing = false;
    if (!answer.ok) return this.#toasts.fail(answer.problem);
    this.#toasts.show({
      tone: "plain",
      text: t("settings.sources.removed", { name: folderName(source) }),
      undo: () => void this.#putBack(source),
    });
  }

  async #putBack(source: Source): Promise<void> {
    const { path, kind, excludes } = source;
    const refused = await this.add({ path, kind, excludes: excludes ?? [] });
    if (refused) this.#toasts.fail(refused, () => void this.#putBack(source));
  }
}
