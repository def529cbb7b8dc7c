/// The memory that a connection needs while it has streams or output. A batch passes it from one connection to the next,
/// so that an idle connection has none.
struct HTTP2Memory: ~Copyable {
  /// A table without streams.
  fileprivate var streams = StreamTable()
  /// An empty buffer.
  fileprivate var output = ByteBuffer(capacity: 0)
}

extension HTTP2Core {
  /// Takes from `memory` what the connection does not have.
  @inline(__always)
  mutating func takeMemory(from memory: inout HTTP2Memory) {
    if !streams.hasMemory { swap(&streams, &memory.streams) }
    if output.capacity == 0 { swap(&output, &memory.output) }
  }

  /// Moves to `memory` what the connection does not need now, or frees it if there is some already. Memory that is larger
  /// than most connections need stays with this one.
  mutating func giveMemory(to memory: inout HTTP2Memory) {
    if streams.hasMemory, streams.count == 0, streams.leaveConnection() {
      if memory.streams.hasMemory { streams.releaseMemory() } else { swap(&streams, &memory.streams) }
    }
    if output.capacity > 0, output.capacity <= HTTP2Buffer.keptOutput, output.isEmpty {
      if memory.output.capacity > 0 { output = ByteBuffer(capacity: 0) } else { swap(&output, &memory.output) }
    }
  }
}
