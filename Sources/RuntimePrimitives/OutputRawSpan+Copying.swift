extension OutputRawSpan {
  /// Appends `bytes` in one copy. There must be enough free capacity.
  package mutating func append(copying bytes: RawSpan) {
    precondition(bytes.byteCount <= freeCapacity)
    bytes.withUnsafeBytes { source in
      withUnsafeMutableBytes { room, initialized in
        // The precondition above keeps the copy within the free capacity.
        UnsafeMutableRawBufferPointer(rebasing: room[initialized...]).copyMemory(from: source)
        initialized += source.count
      }
    }
  }
}
