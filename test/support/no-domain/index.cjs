// tap follows every asynchronous call with this, to tell which test threw an error that nobody caught. That takes half
// of the time. Without it such an error ends its test file, which fails just the same.
exports.Domain = class Domain {
  constructor(onerror) {
    this.onerror = onerror
  }

  destroy() {}
}
