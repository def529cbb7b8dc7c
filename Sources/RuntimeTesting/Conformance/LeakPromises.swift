import Glibc
import Runtime
import Synchronization

extension RuntimeConformance {
  static let leaks: [Case] = [
    Case("A task's captures are released when it ends, however it ends", .leaks) { runtime in
      let tokens = Tokens()
      let (near, far) = try await runtime.connectedPair()
      for _ in 0..<50 {
        let returns = runtime.spawn { [token = tokens.issue()] in token.touch() }
        let throwing = runtime.spawn { [token = tokens.issue()] in
          token.touch()
          throw Failure()
        }
        let sleeps = runtime.spawn { [token = tokens.issue()] in
          try await runtime.clock.sleep(for: .seconds(3600))
          token.touch()
        }
        let reads = runtime.spawn { [token = tokens.issue()] in
          _ = try await far.read()
          token.touch()
        }
        runtime.execute { [token = tokens.issue()] in token.touch() }
        sleeps.cancel()
        reads.cancel()
        _ = await (returns.result, throwing.result, sleeps.result, reads.result)
      }
      near.close()
      try await expectEventually("the captures of 250 tasks to be released") { tokens.held == 0 }
    },

    Case("The captures of blocking work are released, even if it never began", .leaks) { runtime in
      let tokens = Tokens()
      for _ in 0..<50 {
        try await runtime.runBlocking { [token = tokens.issue()] in token.touch() }
        let cancelled = runtime.spawnCancelled { [token = tokens.issue()] in
          try await runtime.runBlocking { token.touch() }
        }
        _ = await cancelled.result
      }
      try await expectEventually("the captures of 100 pieces of work to be released") { tokens.held == 0 }
    },

    Case("Closed connections leave no descriptor open", .leaks, needs: [.realDescriptors, .quietProcess]) {
      runtime in
      try await expectNoMoreDescriptors(after: "20 connections") {
        let (near, far) = try await runtime.connectedPair()
        try await near.write("x")
        _ = try await far.read()
        near.close()
        far.close()
      }
    },

    Case("Failed connections leave no descriptor open", .leaks, needs: [.realDescriptors, .quietProcess]) { runtime in
      let taken = try await runtime.listen(on: .loopback(port: 0))
      try await expectNoMoreDescriptors(after: "20 attempts to listen, connect and accept that fail") {
        let listener = try await runtime.listen(on: .loopback(port: 0))
        let accepting = runtime.spawn { _ = try await listener.accept() }
        accepting.cancel()
        _ = await accepting.result
        listener.close()
        _ = try await ioError { try await runtime.connect(to: listener.localAddress).close() }
        _ = try await ioError { try await runtime.listen(on: taken.localAddress).close() }
      }
    },

    Case(
      "Datagram sockets that are closed, dropped or refused leave no descriptor open", .leaks,
      needs: [.realDescriptors, .quietProcess]
    ) { runtime in
      let taken = try await runtime.bindDatagrams(on: .loopback(port: 0))
      try await expectNoMoreDescriptors(after: "20 datagram sockets") {
        let socket = try await runtime.bindDatagrams(on: .loopback(port: 0))
        try await runtime.connectDatagrams(to: socket.localAddress).send("x")
        _ = try await socket.receive()
        socket.close()
        _ = try await ioError { try await runtime.bindDatagrams(on: taken.localAddress).close() }
        _ = try await ioError { try await runtime.connectDatagrams(to: .unix(path: temporaryPath())).close() }
      }
    },

    .makingRuntimes(
      "A runtime that is shut down leaves no descriptor and no thread", .leaks,
      needs: [.threads, .realDescriptors, .quietProcess]
    ) { trial in
      try await expectNoMoreDescriptors(after: "20 runtimes", andThreads: true) {
        let runtime = try await trial.makeRuntime()
        let listener = try await runtime.listen(on: .loopback(port: 0))
        let near = try await runtime.connect(to: listener.localAddress)
        let far = try await listener.accept()
        let socket = try await runtime.bindDatagrams(on: .loopback(port: 0))
        let waiting = [
          runtime.spawn { _ = try await socket.receive() },
          runtime.spawn { _ = try await near.read() }, runtime.spawn { _ = try await listener.accept() },
          runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) },
        ]
        try await runtime.runBlocking {}
        await runtime.shutdown()
        for task in waiting { _ = await task.result }
        _ = far
      }
    },
  ]

  /// Expects the number of descriptors, and optionally of threads, not to grow when `body` runs many times.
  private static func expectNoMoreDescriptors(
    after subject: String, andThreads: Bool = false, _ body: () async throws -> Void
  ) async throws {
    // Some resources are allocated once, on first use, and stay.
    for _ in 0..<2 { try await body() }
    // Other code in the process may open descriptors too, but hardly as many each time.
    var growth = (descriptors: 0, threads: 0)
    for _ in 0..<5 {
      let before = (descriptors: descriptorCount(), threads: threadCount())
      for _ in 0..<20 { try await body() }
      growth = (descriptorCount() - before.descriptors, threadCount() - before.threads)
      if growth.descriptors < 10 && (growth.threads < 10 || !andThreads) { return }
    }
    let seen = andThreads ? "\(growth.descriptors) and \(growth.threads)" : "\(growth.descriptors)"
    let what = andThreads ? "descriptors, and how many more threads," : "descriptors"
    try expect("how many more \(what) there are after \(subject)", toBe: "no more than a few", false, saw: seen)
  }
}

/// Returns the number of threads of this process.
func threadCount() -> Int { entryCount("/proc/self/task") }

/// Returns the number of open descriptors of this process.
private func descriptorCount() -> Int { entryCount("/proc/self/fd") }

private func entryCount(_ path: String) -> Int {
  guard let directory = opendir(path) else { return 0 }
  defer { closedir(directory) }
  var count = 0
  while readdir(directory) != nil { count += 1 }
  return count
}

/// Counts its live tokens.
private final class Tokens: Sendable {
  private let count = Atomic(0)

  var held: Int { count.load(ordering: .relaxed) }

  func issue() -> Token { Token(self) }

  final class Token: Sendable {
    private let tokens: Tokens

    init(_ tokens: Tokens) {
      self.tokens = tokens
      tokens.count.add(1, ordering: .relaxed)
    }

    deinit { tokens.count.subtract(1, ordering: .relaxed) }

    /// Does nothing. A closure calls it to capture the token.
    func touch() {}
  }
}
