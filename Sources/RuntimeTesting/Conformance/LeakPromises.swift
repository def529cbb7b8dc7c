import Glibc
import Runtime
import Synchronization

extension RuntimeConformance {
  static let leaks: [Case] = [
    Case("What a task holds is let go when it has ended, however it has", .leaks) { runtime in
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
      try await expectEventually("what 250 tasks held to be let go") { tokens.held == 0 }
    },

    Case("What blocking work holds is let go, also of work that never began", .leaks) { runtime in
      let tokens = Tokens()
      for _ in 0..<50 {
        try await runtime.runBlocking { [token = tokens.issue()] in token.touch() }
        let cancelled = runtime.spawnCancelled { [token = tokens.issue()] in
          try await runtime.runBlocking { token.touch() }
        }
        _ = await cancelled.result
      }
      try await expectEventually("what 100 pieces of work held to be let go") { tokens.held == 0 }
    },

    Case("Connections that are closed leave no descriptor", .leaks, needs: [.realDescriptors, .quietProcess]) {
      runtime in
      try await expectNoMoreDescriptors(after: "20 connections") {
        let (near, far) = try await runtime.connectedPair()
        try await near.write("x")
        _ = try await far.read()
        near.close()
        far.close()
      }
    },

    Case("Connections that fail leave no descriptor", .leaks, needs: [.realDescriptors, .quietProcess]) { runtime in
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
      "Sockets for datagrams that are closed, let go or refused leave no descriptor", .leaks,
      needs: [.realDescriptors, .quietProcess]
    ) { runtime in
      let taken = try await runtime.bindDatagrams(on: .loopback(port: 0))
      try await expectNoMoreDescriptors(after: "20 sockets for datagrams") {
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

  /// Expects that there are no more descriptors, and no more threads, when `body` has been run many times.
  private static func expectNoMoreDescriptors(
    after subject: String, andThreads: Bool = false, _ body: () async throws -> Void
  ) async throws {
    // Some things are made once, on the way, and stay.
    for _ in 0..<2 { try await body() }
    // Others in the process may open and start what they like, but hardly as much each time.
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

/// How many threads this process has.
func threadCount() -> Int { entryCount("/proc/self/task") }

/// How many open descriptors this process has.
private func descriptorCount() -> Int { entryCount("/proc/self/fd") }

private func entryCount(_ path: String) -> Int {
  guard let directory = opendir(path) else { return 0 }
  defer { closedir(directory) }
  var count = 0
  while readdir(directory) != nil { count += 1 }
  return count
}

/// Counts those of its tokens that somebody holds.
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

    /// For a closure to hold the token for.
    func touch() {}
  }
}
