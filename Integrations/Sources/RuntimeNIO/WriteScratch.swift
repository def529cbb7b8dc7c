import NIOCore
import NIOPosix

/// A reusable buffer for writes, one per event loop thread: NIO requires its own buffer type, and usually releases the
/// buffer before the call returns.
enum WriteScratch {
  private final class Scratch: Sendable {
    nonisolated(unsafe) var buffer = ByteBuffer()  // Accessed by its thread only.
  }

  private static let current = ThreadSpecificVariable<Scratch>()

  /// Calls `body` with an empty buffer.
  static func withBuffer(_ body: (inout ByteBuffer) -> Void) {
    let scratch: Scratch
    if let existing = current.currentValue {
      scratch = existing
    } else {
      scratch = Scratch()
      current.currentValue = scratch
    }
    // Taken out, since a write may cause another one. If a channel keeps the storage of unsent bytes, this gets new
    // storage.
    var buffer = exchange(&scratch.buffer, with: ByteBuffer())
    buffer.clear()
    body(&buffer)
    scratch.buffer = buffer
  }
}

extension ByteBuffer {
  /// Appends `bytes`.
  mutating func append(_ bytes: RawSpan) {
    if bytes.isEmpty { return }
    _ = bytes.withUnsafeBytes { writeBytes($0) }
  }
}
