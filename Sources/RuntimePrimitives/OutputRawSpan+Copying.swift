extension OutputRawSpan {
  /// Appends `bytes`, for which there is room, in one copy.
  package mutating func append(copying bytes: RawSpan) {
    precondition(bytes.byteCount <= freeCapacity)
    bytes.withUnsafeBytes { source in
      withUnsafeMutableBytes { room, initialized in
        // Within the room, as has just been checked.
        UnsafeMutableRawBufferPointer(rebasing: room[initialized...]).copyMemory(from: source)
        initialized += source.count
      }
    }
  }
}
