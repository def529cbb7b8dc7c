import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Much of everything at once.
@Suite(.timeLimit(.minutes(10)), .serialized) struct LoadTests {
  @Test(arguments: Backend.allCases)
  func `A million small tasks`(backend: Backend) async throws {
    // In a process of its own: it would take Swift's pool away from all other tests.
    await #expect(processExitsWith: .success) { [backend] in
      try await backend.withRuntime { runtime in
        let sum = try await runtime.spawn {
          var sum = 0
          // A thousand at a time: a million outstanding at once measure the machine's memory.
          for _ in 0..<1000 {
            sum += await withTaskGroup(of: Int.self) { group in
              for _ in 0..<1000 { group.addTask { 1 } }
              return await group.reduce(0, +)
            }
          }
          return sum
        }.value
        #expect(sum == 1_000_000)
      }
    }
  }

  @Test(arguments: Variant.all)
  func `A thousand connections at once, each with its own conversation`(variant: Variant) async throws {
    // As above.
    await #expect(processExitsWith: .success) { [variant] in
      try await variant.withRuntime { runtime in
        let listener = try runtime.listen(on: .loopback(port: 0))
        let server = runtime.spawn {
          while let stream = try? await listener.accept() as any ByteStream {
            runtime.execute {
              while let bytes = try? await stream.read(), !bytes.isEmpty { try? await stream.write(bytes) }
            }
          }
        }
        let clients = try await withThrowingTaskGroup(of: (any ByteStream).self) { group in
          for _ in 0..<1000 { group.addTask { try await runtime.connect(to: listener.localAddress) } }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        let conversations = clients.enumerated().map { number, client in
          runtime.spawn {
            for round in 0..<5 {
              let message = Array("\(number) says \(round)".utf8)
              try await client.write(message)
              #expect(try await client.read() == message)
            }
          }
        }
        for conversation in conversations { try await conversation.value }
        listener.close()
        _ = await server.result
      }
    }
  }
}
