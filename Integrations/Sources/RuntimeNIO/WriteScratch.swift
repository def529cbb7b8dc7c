import NIOCore
import NIOPosix

/// A buffer for each event loop's thread that what is written goes through: NIO takes bytes in buffers of its own kind, and
/// mostly gives them back before the call returns.
enum WriteScratch {
  private final class Scratch: Sendable {
    nonisolated(unsafe) var buffer = ByteBuffer()  // Its thread's alone.
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
    // Taken out, as a write may call for another. A channel that has not sent it keeps the storage, and this gets a new one.
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
