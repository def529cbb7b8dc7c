import Glibc
import RuntimeHTTP

/// A web server without sockets and without a runtime: it answers on standard output what it is asked on standard input.
@main enum Main {
  static func main() throws {
    // Whoever reads our output may stop at any time, which is an error like any other.
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
