// Problems as a person reads them, and calls whose every failure becomes one. English is what the services say
// themselves; for other languages there are texts by code.

import type { Problem } from "./bindings";
import { currentLanguage, t } from "./messages";
import texts from "./messages/problems.de.json";

/** `says`: what the English says with facts in it, and the same in this language. */
type Words = { message: string; fix: string; says?: Record<string, string> };

const german: Record<string, Words> = texts;

export type Answer<T> = { ok: true; data: T } | { ok: false; problem: Problem };

type Result<T> =
  { status: "ok"; data: T } | { status: "error"; error: Problem };

/** Waits for a command. Also when the app itself cannot be reached, the answer is a problem and nothing is thrown. */
export async function ask<T>(call: Promise<Result<T>>): Promise<Answer<T>> {
  try {
    const result = await call;
    if (result.status === "ok") return { ok: true, data: result.data };
    return { ok: false, problem: readable(result.error) };
  } catch (error) {
    console.error(error);
    return { ok: false, problem: unreachable() };
  }
}

/** The problem in the user's language, where there is a text for it. */
export function inWords(problem: Problem): Problem {
  const known = currentLanguage() === "de" && german[problem.code];
  if (!known) return problem;
  const { message, fix, says } = known;
  return { code: problem.code, message: facts(problem, says) ?? message, fix };
}

/** The sentence of its facts, with these. */
function facts({ message }: Problem, says: Words["says"] = {}): string | null {
  for (const [english, translated] of Object.entries(says)) {
    const pattern = english
      .split(/\{\w*\}/)
      .map(literally)
      .join("(.+)");
    const found = new RegExp(`^${pattern}$`, "s").exec(message);
    if (!found) continue;
    const given = found.slice(1);
    return translated.replace(/\{\w*\}/g, () => given.shift() ?? "");
  }
  return null;
}

/** As a pattern that matches nothing else. */
function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** A refused call can carry anything: a text where arguments were wrong, a problem otherwise. */
function readable(error: unknown): Problem {
  if (typeof error === "object" && error !== null && "message" in error) {
    return error as Problem;
  }
  console.error(error);
  return unreachable();
}

function unreachable(): Problem {
  return {
    code: "window",
    message: t("problem.window.message"),
    fix: t("problem.window.fix"),
  };
}
