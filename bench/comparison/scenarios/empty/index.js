// The least that importing a package of three files takes, with the one library that the core needs beside `undici`.
export { nothing } from './core.js'
