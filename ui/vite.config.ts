// How the window is built and tested. The build has one entry, index.html; what lies in dev/ is never part of it.

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), svelteTesting()],
  clearScreen: false,
  // The address that a debug build of the app loads; another port would show an empty window.
  server: {
    host: "127.0.0.1",
    port: 1420,
    strictPort: true,
    // A test holds the texts of the window against what the rest of the program says.
    ...(mode === "test" ? { fs: { allow: [".."] } } : {}),
  },
  build: {
    target: ["safari16", "chrome105"],
    // The content security policy allows files of our own only: nothing inlined, no polyfill script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.ts"],
    setupFiles: ["src/lib/testing/setup.ts"],
    env: { TZ: "UTC" },
    testTimeout: 30_000,
  },
}));
