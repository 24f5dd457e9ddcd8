// Problems as a person reads them, and calls whose every failure becomes one. English is what the services say
// themselves; for other languages there are texts by code.

import type { Problem } from "./bindings";
import { currentLanguage, t } from "./messages";
import german from "./messages/problems.de.json";

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
  if (currentLanguage() !== "de" || !(problem.code in german)) return problem;
  const known = german[problem.code as keyof typeof german];
  return { code: problem.code, ...known };
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
