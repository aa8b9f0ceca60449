/** Imported by what runs in a process of its own: that process ends with its test, however that ends. */
process.stdin.on('end', () => process.kill(process.pid, 'SIGKILL'))
process.stdin.resume()
// It holds nothing open: whether a process ends by itself is what some of the tests are about.
const { unref } = process.stdin as { unref?: () => void }
unref?.call(process.stdin)
