// What jsdom lacks, and the same language and time zone on every machine.

import { afterEach, beforeEach } from "vitest";
import { clearMocks } from "@tauri-apps/api/mocks";
import { chooseLanguage } from "../messages";

beforeEach(() => chooseLanguage(["en-GB"]));
afterEach(() => clearMocks());
