/// <reference types="vite/client" />

/** Where PDF.js's own files are served from; vite.shell.config.ts puts them there. */
declare const __PDFJS_FILES__: string;
