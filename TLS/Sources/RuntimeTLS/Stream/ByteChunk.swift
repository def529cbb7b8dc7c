import Glibc

/// Bytes on the heap, of which the first have been used already.
///
/// It comes and goes with what is under way, so that an idle connection has none.
final class ByteChunk: @unchecked Sendable {  // One task at a time has it, as the flags in the stream's state say.
  private let memory: UnsafeMutableRawPointer
  private let capacity: Int
  private var used = 0
  private var end: Int

  /// Memory for `capacity` bytes, none of which is there yet.
  init(capacity: Int) {
    guard let memory = malloc(capacity) else { preconditionFailure("there is no memory for \(capacity) bytes") }
    self.memory = memory
    self.capacity = capacity
    end = 0
  }

  /// The first `count` bytes of `memory`, which is to be freed with `free`.
  init(adopting memory: UnsafeMutableRawPointer, count: Int) {
    self.memory = memory
    capacity = count
    end = count
  }

  deinit { free(memory) }

  var isEmpty: Bool { used == end }

  /// Where bytes are to be put that `commit` counts then.
  var room: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: memory + end, count: capacity - end) }

  func commit(_ count: Int) { end += count }

  /// What has not been used.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory + used, count: end - used) }

  func use(_ count: Int) { used += count }
}
