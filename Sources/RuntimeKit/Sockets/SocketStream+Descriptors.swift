import CRuntime
import Glibc
public import Runtime

extension SocketStream: DescriptorPassing {
  public func write(_ bytes: RawSpan, passing descriptors: [Int32]) async throws(IOError) {
    if socket.turn.isOver { await socket.turn.yieldTurn() }
    while true {
      let (count, code) = try bytes.withUnsafeBytes { bytes throws(IOError) in
        try socket.call(.write) { socket in
          descriptors.withUnsafeBufferPointer {
            gearbox_send_descriptors(socket, bytes.baseAddress, bytes.count, $0.baseAddress, $0.count)
          }
        }
      }
      socket.turn.spend(Turn.systemCall + max(0, count))
      // The descriptors were sent with the first byte.
      if count > 0 { return try await write(bytes.extracting(droppingFirst: count)) }
      guard code == EAGAIN else { throw IOError(.write, .system(code)) }
      try await waitToWrite()
    }
  }

  public func read(into buffer: inout OutputRawSpan, descriptors: inout [Int32]) async throws(IOError) -> Int {
    guard buffer.freeCapacity > 0 else { return 0 }
    if socket.turn.isOver { await socket.turn.yieldTurn() }
    while true {
      try await socket.wait(for: .read, .read)
      if let count = try receive(into: &buffer, &descriptors) { return count }
    }
  }

  /// Calls `recvmsg` once. Returns `nil` if there is nothing to read.
  private func receive(into buffer: inout OutputRawSpan, _ descriptors: inout [Int32]) throws(IOError) -> Int? {
    socket.reading.clear()
    var received = [Int32](repeating: -1, count: gearbox_max_descriptors)
    var receivedCount = 0
    let (count, code) = try buffer.withUnsafeMutableBytes { bytes, initialized throws(IOError) in
      let free = UnsafeMutableRawBufferPointer(rebasing: bytes[initialized...])
      let (count, code) = try socket.call(.read) { socket in
        received.withUnsafeMutableBufferPointer { received in
          guard let base = received.baseAddress else { return 0 }
          return gearbox_receive_descriptors(socket, free.baseAddress, free.count, base, &receivedCount)
        }
      }
      if count > 0 { initialized += count }
      return (count, code)
    }
    descriptors += received.prefix(receivedCount)
    // A message with descriptors ends a read early, so a short read does not mean that the socket is empty.
    if count >= 0 || code != EAGAIN { socket.reading.signal() }
    socket.turn.spend(Turn.systemCall + max(0, count))
    if count >= 0 { return count }
    if code == EAGAIN { return nil }
    throw IOError(.read, .system(code))
  }
}
