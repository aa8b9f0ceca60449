// Stands in for `async-hook-domain`: an error that nobody catches ends the process, and that is enough to know.
export class Domain {
  constructor(onerror) {
    this.onerror = onerror
  }

  destroy() {}
}
