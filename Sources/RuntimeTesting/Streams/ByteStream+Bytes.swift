package import Runtime

extension ByteStream {
  /// Writes all of `text` as UTF-8.
  package func write(_ text: String) async throws(IOError) { try await write(Array(text.utf8)) }

  /// Returns the bytes of one read without waiting; `nil` if it would have to wait.
  package func tryRead(upTo limit: Int = 16 * 1024) throws(IOError) -> [UInt8]? {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
    defer { memory.deallocate() }
    var buffer = OutputRawSpan(buffer: memory, initializedCount: 0)
    return try tryRead(into: &buffer).map { Array(memory.prefix($0)) }
  }

  /// Writes as many of `bytes` as possible without waiting, and returns their number.
  package func tryWrite(_ bytes: some Sequence<UInt8>) throws(IOError) -> Int { try tryWrite(Array(bytes).span.bytes) }

  /// Reads until the peer has finished writing.
  package func readToEnd() async throws(IOError) -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let some = try await read()
      if some.isEmpty { return all }
      all += some
    }
  }
}
