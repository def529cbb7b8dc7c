import Glibc
import Runtime
import RuntimeCustom
import RuntimeHTTP
import RuntimeKit

@main enum HelloInetd {
  static func main() throws {
    // inetd's connection is standard input, output and error. The stream has to own the only descriptor, so that the
    // client is notified when it closes.
    let connection = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
    let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] { dup2(nothing, descriptor) }

    try CustomRuntime(workers: 1).run { runtime in
      var router = Router()
      router.get("/") { _ in .text("Hello from inetd\n") }
      let server = Server(runtime: runtime, handler: router)
      try await server.serve(try runtime.adopt(connection))
      await server.shutdown()
    }
  }
}
