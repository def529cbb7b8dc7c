extension [UInt8] {
  /// Appends `source` in one copy. `append(contentsOf:)` with a buffer pointer takes three times as long.
  @inline(__always)
  mutating func append(copying source: Span<UInt8>) {
    // Without room to add, `append(addingCapacity:)` writes the count of the storage that all empty arrays share, which is a
    // data race.
    guard !source.isEmpty else { return }
    append(addingCapacity: source.count) { output in
      output.withUnsafeMutableBufferPointer { room, count in
        // In bounds: the capacity has just been added.
        source.withUnsafeBytes { UnsafeMutableRawBufferPointer(room).copyMemory(from: $0) }
        count = source.count
      }
    }
  }
}
