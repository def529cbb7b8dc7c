import Glibc
import Runtime

extension RuntimeConformance {
  /// The names of Unix-domain sockets.
  static let socketNames: [Case] = [
    Case(
      "The name of a Unix-domain socket exists exactly while its listener is open", .listeners, needs: .realDescriptors
    ) { runtime in
      let path = temporaryPath()
      // In case the runtime does not remove it.
      defer { unlink(path) }
      let listener = try await runtime.listen(on: .unix(path: path))
      try expect("the name while the listener is open", toBe: "there", access(path, F_OK) == 0, saw: "none")
      await listener.closeAndWait()
      try expect("the name once the listener is closed", toBe: "gone", access(path, F_OK) != 0, saw: "it")
      try await expect("connecting to it", toBeRefused: .connect, with: [ENOENT]) {
        try await runtime.connect(to: .unix(path: path))
      }
      // The first listener must not remove its successor's name.
      let successor = try await runtime.listen(on: .unix(path: path))
      listener.close()
      try expect(
        "a successor's name when the first is closed again", toBe: "there", access(path, F_OK) == 0, saw: "none")
      successor.close()
    },

    Case(
      "Listening replaces the socket of a dead server, but not that of a live one", .listeners,
      needs: .realDescriptors
    ) { runtime in
      let path = temporaryPath()
      defer { unlink(path) }
      let live = try await runtime.listen(on: .unix(path: path))
      try await expect("listening on a live one's name", toBeRefused: .bind, with: [EADDRINUSE]) {
        try await runtime.listen(on: .unix(path: path))
      }
      live.close()
      try bindAbandoned(path)
      let next = try await expectEnd(of: "listening on a dead one's name") {
        try await runtime.listen(on: .unix(path: path))
      }
      let stream = try await runtime.connect(to: .unix(path: path))
      stream.close()
      next.close()
    },

    Case(
      "Listening on the name of a file that is not a socket is refused and keeps the file", .listeners,
      needs: .realDescriptors
    ) { runtime in
      let (file, link) = (temporaryPath(), temporaryPath())
      defer { for path in [file, link] { unlink(path) } }
      close(creat(file, 0o600))
      try expect("making a link by hand", symlink("nowhere", link), is: 0)
      for (path, kind) in [(file, "a regular file"), (link, "a symbolic link")] {
        let before = FileIdentity(path)
        try await expect("listening on the name of \(kind)", toBeRefused: .bind, with: [EADDRINUSE, EEXIST]) {
          try await runtime.listen(on: .unix(path: path))
        }
        try expect("the file of that name afterwards", FileIdentity(path), is: before)
      }
    },

    .makingRuntimes(
      "Of several concurrent listens on an abandoned name, one succeeds", .listeners,
      needs: [.threads, .realDescriptors]
    ) { trial in
      let runtimes = [try await trial.makeRuntime(), try await trial.makeRuntime()]
      let path = temporaryPath()
      defer { unlink(path) }
      for _ in 0..<100 {
        try bindAbandoned(path)
        let gate = Gate(count: 4)
        let attempts = (0..<4).map { number in
          runtimes[number % 2].spawn { () -> (any StreamListener)? in
            let runtime = runtimes[number % 2]
            // On threads for blocking work, so that all attempts start at the same time.
            _ = try await runtime.runBlocking { gate.arriveAndWait(for: trial.patience) }
            do throws(IOError) {
              return try await runtime.listen(on: .unix(path: path))
            } catch {
              guard error == IOError(.bind, .system(EADDRINUSE)) else { throw error }
              return nil
            }
          }
        }
        var listeners: [any StreamListener] = []
        for attempt in attempts {
          if let listener = try await expectEnd(of: "an attempt", { try await attempt.value }) {
            listeners.append(listener)
          }
        }
        try expect("how many of 4 listen on one name", listeners.count, is: 1)
        try await expectEnd(of: "connecting to it") { try await runtimes[0].connect(to: .unix(path: path)).close() }
        for listener in listeners { listener.close() }
      }
    },

    Case(
      "Closing a listener does not remove another file that has taken its name", .listeners, needs: .realDescriptors
    ) { runtime in
      let (path, next) = (temporaryPath(), temporaryPath())
      defer { for path in [path, next] { unlink(path) } }
      let listener = try await runtime.listen(on: .unix(path: path))
      let successor = try await runtime.listen(on: .unix(path: next))
      try expect("renaming by hand", rename(next, path), is: 0)
      let identity = FileIdentity(path)
      await listener.closeAndWait()
      try expect("the file that has the name when the first listener is closed", FileIdentity(path), is: identity)
      try await expectEnd(of: "connecting to it") { try await runtime.connect(to: .unix(path: path)).close() }
      successor.close()
    },

    .makingRuntimes("Shutting down a runtime removes the names of its sockets", .listeners, needs: .realDescriptors) {
      trial in
      let path = temporaryPath()
      defer { unlink(path) }
      let runtime = try await trial.makeRuntime()
      let listener = try await runtime.listen(on: .unix(path: path))
      await runtime.shutdown()
      try expect("the name once the runtime is shut down", FileIdentity(path), is: nil)
      // The new file may have the inode number of the first one.
      let successor = try await trial.makeRuntime().listen(on: .unix(path: path))
      listener.close()
      try expect(
        "a successor's name when the first is closed", toBe: "there", FileIdentity(path) != nil, saw: "none")
      successor.close()
    },

    Case("A path that no socket can have is rejected, not truncated", .listeners, needs: .realDescriptors) { runtime in
      let start = temporaryPath()
      let paths = [
        start + "\0tail", start + String(repeating: "x", count: 108 - start.utf8.count),
        start + String(repeating: "x", count: 1000), "\0" + String(repeating: "x", count: 108),
      ]
      for path in paths {
        try await expectInvalid("listening on a path of \(path.utf8.count) bytes", .bind) {
          try await runtime.listen(on: .unix(path: path)).close()
        }
        try await expectInvalid("connecting to a path of \(path.utf8.count) bytes", .connect) {
          try await runtime.connect(to: .unix(path: path)).close()
        }
      }
      try expect("what has the part before the NUL for its name", FileIdentity(start), is: nil)
    },

    Case("The longest possible path can be listened on and connected to", .listeners, needs: .realDescriptors) {
      runtime in
      let start = temporaryPath()
      try await expectAddresses(
        .unix(path: start + String(repeating: "x", count: 107 - start.utf8.count)), on: runtime)
    },

    Case("Abstract names have the given length and read back unchanged", .listeners, needs: .realDescriptors) {
      runtime in
      let name = "\0gearbox-\(UInt64.random(in: 0 ... .max))"
      let listener = try await runtime.listen(on: .unix(path: name))
      try expect("the listener's address", listener.localAddress, is: .unix(path: name))
      try await expect("listening on a name in use", toBeRefused: .bind, with: [EADDRINUSE]) {
        try await runtime.listen(on: .unix(path: name))
      }
      let other = try await expectEnd(of: "listening on a longer name") {
        try await runtime.listen(on: .unix(path: name + "\0"))
      }
      for listener in [listener, other] as [any StreamListener] { listener.close() }
      try await expectEnd(of: "listening on it again") { try await runtime.listen(on: .unix(path: name)).close() }
      // The maximum length, a NUL inside, and a NUL at the end, which makes a different name.
      for name in [name, name + "\0", name + "\0x", name + String(repeating: "x", count: 108 - name.utf8.count)] {
        try await expectAddresses(.unix(path: name), on: runtime)
      }
    },
  ]

  private static func expectInvalid(
    _ subject: String, _ operation: IOError.Operation, _ body: () async throws -> Void
  ) async throws {
    let error = try await ioError(body)
    let expected = [IOError(operation, .invalidPath)] + [EINVAL, ENAMETOOLONG].map { IOError(operation, .system($0)) }
    try expect(
      subject, toBe: "refused as such", error.map { expected.contains($0) } ?? false,
      saw: error.map { "“\($0)”" } ?? "no error")
  }

  /// Leaves an abandoned socket at `path`, like a killed server: a socket that no process listens on.
  private static func bindAbandoned(_ path: String) throws {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    let code = SocketAddress.unix(path: path).withSystemAddress { bind(descriptor, $0, $1) }
    try expect("binding by hand", code, is: 0)
  }
}

/// Returns an unused path that is short enough for a socket.
package func temporaryPath() -> String { "/tmp/gearbox-\(UInt64.random(in: 0 ... .max))" }
