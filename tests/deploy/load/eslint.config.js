import js from '@eslint/js';
import { defineConfig } from 'eslint/config';

export default defineConfig(
  { ignores: ['.venv'] },
  {
    files: ['**/*.js'],
    extends: [js.configs.recommended],
    // Names that do not exist are found by the type check, which knows Node's.
    rules: { 'no-undef': 'off', eqeqeq: 'error', 'prefer-const': 'error', 'no-var': 'error' },
  },
);
