import Glibc
import Runtime

extension RuntimeConformance {
  static let load: [Case] = [
    Case("Each of ten thousand tasks runs exactly once", .load) { runtime in
      try await expectEachOnce(10_000, on: runtime)
    },

    Case("Ten thousand sleeps at once all end, and none of them early", .load) { runtime in
      try await expectAllEnd(10_000, on: runtime)
    },

    Case("Ten thousand sleeps are cancelled and all end", .load) { runtime in
      let sleeps = (0..<10_000).map { _ in runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) } }
      for sleep in sleeps { sleep.cancel() }
      for sleep in sleeps { try await expectCancellation(of: "one of 10,000 sleeps") { try await sleep.value } }
    },

    Case("Two thousand pieces of blocking work are all done", .load) { runtime in
      let work = (0..<2000).map { number in runtime.spawn { try await runtime.runBlocking { number } } }
      for (number, work) in work.enumerated() {
        try await expect("what number \(number) gives", toGive: number) { try await work.value }
      }
    },

    Case("A thousand connections at once each have their own conversation", .load, needs: .quietProcess) { runtime in
      let count = min(1000, (descriptorLimit() - 200) / 2)
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let server = runtime.spawn {
        for _ in 0..<count {
          let stream = try await listener.accept() as any ByteStream
          runtime.execute {
            while let bytes = try? await stream.read(), !bytes.isEmpty { try? await stream.write(bytes) }
            stream.close()
          }
        }
      }
      let connecting = (0..<count).map { _ in
        runtime.spawn { try await runtime.connect(to: listener.localAddress) as any ByteStream }
      }
      var clients: [any ByteStream] = []
      for task in connecting {
        clients.append(try await expectEnd(of: "connecting, one of \(count)") { try await task.value })
      }
      try await expectEnd(of: "accepting \(count) connections") { try await server.value }
      let conversations = clients.enumerated().map { number, client in
        runtime.spawn {
          for round in 0..<3 {
            let message = Array("\(number) says \(round)".utf8)
            try await client.write(message)
            let echo = try await client.read(exactly: message.count)
            if echo != message { return String(decoding: echo, as: UTF8.self) }
          }
          client.close()
          return ""
        }
      }
      for conversation in conversations {
        try await expect("what a client hears that it has not said", toGive: "") { try await conversation.value }
      }
    },
  ]

  /// Returns the limit of open descriptors.
  private static func descriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    return Int(clamping: limit.rlim_cur)
  }
}
