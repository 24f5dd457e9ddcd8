// The present, as something that views can depend on: "4 minutes ago" becomes "5 minutes ago" while one looks.

import { dayNumber } from "./times";

const TICK = 5_000;

export class Clock {
  now = $state.raw(new Date());
  /** Changes at midnight only. */
  today = $derived(dayNumber(this.now));

  /** Ticks until the returned function is called. */
  start(): () => void {
    const timer = setInterval(() => (this.now = new Date()), TICK);
    return () => clearInterval(timer);
  }
}
