import Glibc

/// A buffer on the heap with a consumed prefix.
///
/// It exists only while data is in flight, so an idle connection has none.
final class ByteChunk: @unchecked Sendable {  // The flags in the stream's state give it to one task at a time.
  private let memory: UnsafeMutableRawPointer
  private let capacity: Int
  private var consumed = 0
  private var end: Int

  /// Allocates an empty buffer for `capacity` bytes.
  init(capacity: Int) {
    guard let memory = malloc(capacity) else { preconditionFailure("out of memory for \(capacity) bytes") }
    self.memory = memory
    self.capacity = capacity
    end = 0
  }

  /// Takes ownership of `memory`, of which the first `count` bytes are used. It is freed with `free`.
  init(adopting memory: UnsafeMutableRawPointer, count: Int) {
    self.memory = memory
    capacity = count
    end = count
  }

  deinit { free(memory) }

  var isEmpty: Bool { consumed == end }

  /// The free space after the content. `commit` adds bytes written there to the content.
  var room: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: memory + end, count: capacity - end) }

  func commit(_ count: Int) { end += count }

  /// The bytes that have not been consumed.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory + consumed, count: end - consumed) }

  func consume(_ count: Int) { consumed += count }
}
