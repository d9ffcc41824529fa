import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds the rest of PacktChat. */
const backend = process.env['PACKTCHAT_URL'] ?? 'http://localhost:8080';

export default defineConfig({
  // Relative addresses inside scripts and styles: the files may move to a CDN without a rebuild.
  base: './',
  plugins: [react()],
  build: {
    target: 'es2022',
    outDir: 'dist',
    assetsDir: 'assets',
    // The gateway finds the hashed names of the entries in here.
    manifest: true,
    // A file of its own for everything: the Content-Security-Policy needs no exception, and the manifest lists it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ['src/chat.tsx', 'src/site.ts', 'src/assets/logo.svg'] },
  },
  server: {
    proxy: {
      '/socket.io': { target: backend, ws: true },
      '/account': backend,
      '/auth': backend,
    },
  },
  test: {
    environment: 'happy-dom',
    restoreMocks: true,
  },
});
