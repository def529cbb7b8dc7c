import Glibc
import RuntimeHTTP

/// A web server without sockets and without a runtime: it reads requests from standard input and writes responses to
/// standard output.
@main enum Main {
  static func main() throws {
    // Without this, a reader that closes our output would end the process (SIGPIPE) instead of causing an error.
    signal(SIGPIPE, SIG_IGN)
    let loop = try EventLoop()
    let stream = DescriptorStream(input: STDIN_FILENO, output: STDOUT_FILENO, loop: loop)
    var router = Router()
    router.get("/") { _ in .text("Hello from standard output\n") }
    router.get("/wait") { _ in
      try await ContinuousClock().sleep(for: .seconds(1))
      return .text("That took a second\n")
    }
    try loop.run { [router] in
      await serveConnection(stream, clock: ContinuousClock(), executor: loop, handler: router)
    }
    var line = "\(loop.jobCount) jobs, all of them on the main thread\n"
    line.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
