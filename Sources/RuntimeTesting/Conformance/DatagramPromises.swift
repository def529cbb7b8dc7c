import Glibc
import Runtime
import Synchronization

extension RuntimeConformance {
  static let datagrams: [Case] = [
    Case("A received datagram has its sender's address and can be answered", .datagrams) { runtime in
      for kind in DatagramKind.allCases {
        let (server, client) = try await runtime.bindTwo(kind)
        for round in 0..<20 {
          let receiving = runtime.spawn { try await server.receive() }
          for _ in 0..<round % 4 { await Task.yield() }
          try await client.send("there", to: server.localAddress)
          try await expect("what is received over \(kind)", toGive: Datagram("there", from: client.localAddress)) {
            try await receiving.value
          }
          try await server.send("and back", to: client.localAddress)
          try await expect("the answer over \(kind)", toGive: Datagram("and back", from: server.localAddress)) {
            try await client.receive()
          }
        }
      }
    },

    Case("Datagrams keep their boundaries and may be empty", .datagrams) { runtime in
      for kind in DatagramKind.allCases {
        let (server, client) = try await runtime.bindTwo(kind)
        let sizes = [5, 0, 1, 1000, 0, 8000]
        for size in sizes { try await client.send(pattern(size), to: server.localAddress) }
        for size in sizes {
          try await expect("what comes of \(size) bytes over \(kind)", toGive: pattern(size)) {
            try await server.receive().bytes
          }
        }
      }
    },

    Case("A datagram longer than the buffer is truncated and marked as such, and the next is whole", .datagrams) {
      runtime in
      for kind in DatagramKind.allCases {
        let (server, client) = try await runtime.bindTwo(kind)
        for text in ["0123456789+", "next", "0123456789"] { try await client.send(text, to: server.localAddress) }
        for (expected, isTruncated) in [("0123456789", true), ("next", false), ("0123456789", false)] {
          let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 13, alignment: 1)
          defer { memory.deallocate() }
          memory.copyBytes(from: "abc".utf8)
          var buffer = OutputRawSpan(buffer: memory, initializedCount: 3)
          let receipt = try await server.receive(into: &buffer)
          let all = Array("abc\(expected)".utf8)
          try expect("how many bytes the buffer holds", buffer.byteCount, is: all.count)
          try expect("what the buffer holds", Array(memory.prefix(all.count)), is: all)
          try expect(
            "the receipt", receipt,
            is: DatagramReceipt(byteCount: all.count - 3, sender: client.localAddress, isTruncated: isTruncated))
        }
      }
    },

    Case("A connected socket sends to its peer and receives only from it", .datagrams) { runtime in
      for kind in DatagramKind.allCases {
        let (server, stranger) = try await runtime.bindTwo(kind)
        try await expect("sending where there is no peer", toBeRefused: .send, with: [EDESTADDRREQ, ENOTCONN]) {
          try await stranger.send("whither")
        }
        let client = try await runtime.connectDatagrams(to: server.localAddress)
        try expect("its peer's address", client.peerAddress, is: server.localAddress)
        try await client.send("there")
        try await expect("what its peer receives", toGive: Datagram("there", from: client.localAddress)) {
          try await server.receive()
        }
        // A Unix-domain socket reports to the stranger that the send is not permitted.
        _ = try await ioError { try await stranger.send("psst", to: client.localAddress) }
        try await server.send("and back", to: client.localAddress)
        try await expect("what it receives over \(kind)", toGive: Datagram("and back", from: server.localAddress)) {
          try await client.receive()
        }
        try client.connect(to: stranger.localAddress)
        try await client.send("you, then")
        try await expect("what another peer receives", toGive: Datagram("you, then", from: client.localAddress)) {
          try await stranger.receive()
        }
      }
    },

    Case("A datagram that is too long is rejected as a whole, and the socket still works", .datagrams) { runtime in
      var options = DatagramOptions()
      options.sendBufferSize = 1 << 16
      for kind in DatagramKind.allCases {
        let server = try await runtime.bindDatagrams(on: kind.address)
        let client = try await runtime.bindDatagrams(on: kind.address, options: options)
        try await expect("sending 4 MB over \(kind)", toBeRefused: .send, with: [EMSGSIZE]) {
          try await client.send([UInt8](repeating: 7, count: 4 << 20), to: server.localAddress)
        }
        try await client.send("short", to: server.localAddress)
        try await expect("what is received first", toGive: Array("short".utf8)) { try await server.receive().bytes }
      }
    },

    Case("A missing peer is reported once, and the socket still works", .datagrams) { runtime in
      let (deaf, other) = try await runtime.bindTwo(.udp)
      // Its address is in use, but it does not receive from others.
      try deaf.connect(to: other.localAddress)
      let socket = try await runtime.connectDatagrams(to: deaf.localAddress)
      for round in 0..<20 {
        let receiving = runtime.spawn { try await socket.receive() }
        for _ in 0..<round % 4 { await Task.yield() }
        try await socket.send("x")
        try await expect("a receive", toBeRefused: .receive, with: [ECONNREFUSED]) { try await receiving.value }
        try await expectCancelledReceive(from: socket, on: runtime, round)
      }
      let receiving = runtime.spawn { try await socket.receive().bytes }
      try deaf.connect(to: socket.localAddress)
      try await deaf.send("here I am")
      try await expect("the receive after it", toGive: Array("here I am".utf8)) { try await receiving.value }

      let (near, far) = try await runtime.bindTwo(.unix)
      let address = far.localAddress
      await far.closeAndWait()
      try await expect("sending to a name that is gone", toBeRefused: .send, with: [ECONNREFUSED, ENOENT]) {
        try await near.send("x", to: address)
      }
      try await near.send("y", to: near.localAddress)
      try await expect("what it receives then", toGive: Array("y".utf8)) { try await near.receive().bytes }
    },

    Case("Cancelling ends a receive, which has then taken no datagram", .datagrams) { runtime in
      for kind in DatagramKind.allCases {
        let (near, far) = try await runtime.bindTwo(kind)
        // With nothing to receive, after earlier datagrams.
        for round in 0..<50 {
          if round % 10 == 0 {
            try await near.send("x", to: far.localAddress)
            _ = try await far.receive()
          }
          try await expectCancelledReceive(from: far, on: runtime, round)
        }
        let count: UInt8 = 200
        var all: [UInt8] = []
        for number in 0..<count {
          let receiving = runtime.spawn { try await far.receive().bytes }
          for _ in 0..<number % 3 { await Task.yield() }
          // At about the same time, in either order.
          if number % 2 == 0 { receiving.cancel() }
          try await near.send([number], to: far.localAddress)
          if number % 2 == 1 { receiving.cancel() }
          all += try await expectEnd(of: "a receive whose task is cancelled") { try await ended(receiving) } ?? []
        }
        while all.count < count {
          all += try await expectEnd(of: "receiving the rest over \(kind)") { try await far.receive().bytes }
        }
        try expect("all that was received", all.sorted(), is: Array(0..<count))
      }
    },

    Case("Cancelling ends a waiting send, which has then sent nothing", .datagrams) { runtime in
      for isConnected in [false, true] {
        let (sender, receiver) = try await runtime.bindTwo(.unix)
        let address = receiver.localAddress
        if isConnected { try sender.connect(to: address) }
        for round in 0..<20 {
          let sending = runtime.spawn { () -> Int in
            for count in 0... {
              let bytes = Array("\(round) \(count)".utf8)
              do throws(IOError) {
                if isConnected { try await sender.send(bytes) } else { try await sender.send(bytes, to: address) }
              } catch {
                // A send that need not wait succeeds even in a cancelled task, so this one has waited.
                if error == IOError(.send, .cancelled) { return count }
                throw error
              }
            }
            return 0
          }
          for _ in 0..<round * 10 { await Task.yield() }
          if round % 5 == 4 { try await runtime.clock.sleep(for: .milliseconds(5)) }
          sending.cancel()
          let count = try await expectEnd(of: "a send whose task is cancelled") { try await sending.value }
          for number in 0..<count {
            try await expect("what comes of what was sent", toGive: Array("\(round) \(number)".utf8)) {
              try await receiver.receive().bytes
            }
          }
        }
      }
    },

    Case("A send that waits for room completes once there is some, whichever socket filled the queue", .datagrams) {
      runtime in
      for isConnected in [false, true] {
        let (sender, receiver) = try await runtime.bindTwo(.unix)
        let other = try await runtime.bindDatagrams(on: DatagramKind.unix.address)
        let address = receiver.localAddress
        if isConnected { try sender.connect(to: address) }
        for round in 0..<5 {
          let filling = runtime.spawn { while true { try await other.send("full", to: address) } }
          for _ in 0..<10 { await Task.yield() }
          filling.cancel()
          try await expect("a send whose task is cancelled", toThrow: IOError(.send, .cancelled)) {
            try await filling.value
          }
          let sending = runtime.spawn {
            if isConnected { try await sender.send("\(round)") } else { try await sender.send("\(round)", to: address) }
          }
          for _ in 0..<round * 10 { await Task.yield() }
          try await expectEnd(of: "receiving what was sent once there was room") {
            while try await receiver.receive().bytes != Array("\(round)".utf8) {}
          }
          try await expectEnd(of: "the send") { try await sending.value }
        }
      }
    },

    Case(
      "Of two concurrent receives or sends, one fails as busy and the other completes", .datagrams
    ) { runtime in
      for kind in DatagramKind.allCases {
        let (near, far) = try await runtime.bindTwo(kind)
        let first = try await firstToEnd(on: runtime, "one of two receivers") { try await far.receive().bytes }
        try await expect("the receiver that ends first", toThrow: IOError(.receive, .busy)) { try first.result.get() }
        try await near.send("x", to: far.localAddress)
        try await expect("what the other receives", toGive: Array("x".utf8)) { try await first.other.value }
      }
      var options = DatagramOptions()
      options.sendBufferSize = 4096
      for isConnected in [false, true] {
        let receiver = try await runtime.bindDatagrams(on: DatagramKind.unix.address)
        let sender = try await runtime.bindDatagrams(on: DatagramKind.unix.address, options: options)
        let address = receiver.localAddress
        if isConnected { try sender.connect(to: address) }
        let first = try await firstToEnd(on: runtime, "one of two senders") {
          // More than the system's buffers hold.
          for _ in 0..<500 {
            if isConnected { try await sender.send("x") } else { try await sender.send("x", to: address) }
          }
        }
        try await expect("the sender that ends first", toThrow: IOError(.send, .busy)) { try first.result.get() }
        let draining = runtime.spawn { while true { _ = try await receiver.receive(upTo: 1) } }
        try await expectEnd(of: "the other, once there is room") { try await first.other.value }
        receiver.close()
        try await expect("the receiver", toThrow: IOError(.receive, .closed)) { try await draining.value }
      }
    },

    Case("Closing a datagram socket ends pending operations, and later ones fail at once", .datagrams) {
      runtime in
      for kind in DatagramKind.allCases {
        for round in 0..<20 {
          let (socket, other) = try await runtime.bindTwo(kind)
          let receiving = runtime.spawn { try await socket.receive() }
          for _ in 0..<round % 5 { await Task.yield() }
          socket.close()
          socket.close()
          try await expect("a receive", toThrow: IOError(.receive, .closed)) { try await receiving.value }
          try await expect("a receive afterwards", toThrow: IOError(.receive, .closed)) { try await socket.receive() }
          try await expect("a send afterwards", toThrow: IOError(.send, .closed)) {
            try await socket.send("x", to: other.localAddress)
          }
          try await expect("connecting afterwards", toThrow: IOError(.connect, .closed)) {
            try socket.connect(to: other.localAddress)
          }
        }
      }
      for isConnected in [false, true] {
        let (sender, receiver) = try await runtime.bindTwo(.unix)
        let address = receiver.localAddress
        if isConnected { try sender.connect(to: address) }
        let sending = runtime.spawn {
          while true { if isConnected { try await sender.send("x") } else { try await sender.send("x", to: address) } }
        }
        for _ in 0..<100 { await Task.yield() }
        sender.close()
        try await expect("a send", toThrow: IOError(.send, .closed)) { try await sending.value }
      }
    },

    Case("A datagram operation that can finish at once succeeds in a cancelled task", .datagrams) { runtime in
      let (near, far) = try await runtime.bindTwo(.unix)
      try await near.send("x", to: far.localAddress)
      try await expect("a receive of what is there", toGive: Array("x".utf8)) {
        try await runtime.spawnCancelled {
          let datagram = try await far.receive()
          try await far.send("y", to: near.localAddress)
          return datagram.bytes
        }.value
      }
      try await expect("what the same task has sent", toGive: Array("y".utf8)) { try await near.receive().bytes }
    },

    Case("Tasks that never have to wait for a datagram let others run", .datagrams) { runtime in
      let (isOver, begun) = (Box(Atomic(false)), Box(Atomic(0)))
      var loops: [Task<Bool, any Error>] = []
      for _ in 0..<runtime.workerCount * 2 {
        let socket = try await runtime.bindDatagrams(on: DatagramKind.unix.address)
        let loop = runtime.spawn { () throws -> Bool in
          // All workers are running such loops, so no worker is free for the task.
          if begun.value.add(1, ordering: .relaxed).newValue == runtime.workerCount {
            runtime.spawn { isOver.value.store(true, ordering: .relaxed) }
          }
          // Bounded: if the operations never suspend, the task that ends the loop never runs.
          for _ in 0..<5_000_000 where !isOver.value.load(ordering: .relaxed) {
            try await socket.send("x", to: socket.localAddress)
            _ = try await socket.receive(upTo: 1)
          }
          return isOver.value.load(ordering: .relaxed)
        }
        loops.append(loop)
      }
      for loop in loops {
        try await expect("whether another task ran beside loops of datagrams", toGive: true) { try await loop.value }
      }
    },
  ]

  /// Cancels a pending receive after various delays, and expects it to end.
  private static func expectCancelledReceive(
    from socket: any DatagramSocket, on runtime: any AsyncRuntime, _ round: Int
  ) async throws {
    let receiving = runtime.spawn { try await socket.receive() }
    for _ in 0..<round % 5 { await Task.yield() }
    receiving.cancel()
    try await expect("a receive whose task is cancelled", toThrow: IOError(.receive, .cancelled)) {
      try await receiving.value
    }
  }

  /// Returns what `receiving` has received; `nil` if it was cancelled first.
  private static func ended(_ receiving: Task<[UInt8], any Error>) async throws -> [UInt8]? {
    do {
      return try await receiving.value
    } catch let error as IOError where error == IOError(.receive, .cancelled) {
      return nil
    }
  }
}

/// A kind of datagram socket.
enum DatagramKind: CaseIterable, CustomStringConvertible {
  case udp, unix

  var description: String { self == .udp ? "UDP" : "Unix-domain sockets" }

  /// An address that leaves the choice to the system.
  var address: SocketAddress {
    switch self {
    case .udp: .loopback(port: 0)
    case .unix: .unix(path: "")
    }
  }
}

extension AsyncRuntime {
  /// Returns two unconnected sockets.
  func bindTwo(_ kind: DatagramKind) async throws(IOError) -> (any DatagramSocket, any DatagramSocket) {
    (try await bindDatagrams(on: kind.address), try await bindDatagrams(on: kind.address))
  }
}

extension DatagramSocket {
  func send(_ text: String) async throws(IOError) { try await send(Array(text.utf8)) }

  func send(_ text: String, to address: SocketAddress) async throws(IOError) {
    try await send(Array(text.utf8), to: address)
  }
}

extension Datagram {
  fileprivate init(_ text: String, from sender: SocketAddress?) {
    self.init(Array(text.utf8), from: sender)
  }
}
