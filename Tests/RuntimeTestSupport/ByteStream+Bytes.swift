package import Runtime

extension ByteStream {
  /// Writes all of `bytes`.
  package func write(_ bytes: [UInt8]) async throws(IOError) { try await write(bytes.span.bytes) }

  /// Writes all of `text`, as UTF-8.
  package func write(_ text: String) async throws(IOError) { try await write(Array(text.utf8)) }

  /// What one read gives: at most `limit` bytes, none when the peer has finished.
  package func read(upTo limit: Int = 16 * 1024) async throws(IOError) -> [UInt8] {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
    defer { memory.deallocate() }
    var buffer = OutputRawSpan(buffer: memory, initializedCount: 0)
    let count = try await read(into: &buffer)
    return Array(memory.prefix(count))
  }

  /// Reads until the peer has finished.
  package func readToEnd() async throws(IOError) -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let some = try await read()
      if some.isEmpty { return all }
      all += some
    }
  }
}
