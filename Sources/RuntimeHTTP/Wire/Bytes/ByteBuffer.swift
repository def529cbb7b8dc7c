import Glibc

/// A queue of bytes in one piece of memory that is kept between uses. A connection reads into one and writes from
/// another.
///
/// The buffer owns its memory, which moves only in ``reserve(_:)``. All code in this file that is unsafe, or does not
/// check for overflow, relies on `0 <= start <= end <= memory.count`.
package struct ByteBuffer: ~Copyable {
  private var memory: UnsafeMutableBufferPointer<UInt8>
  private var start = 0
  private var end = 0

  package init(capacity: Int) {
    memory = capacity > 0 ? .allocate(capacity: capacity) : UnsafeMutableBufferPointer(start: nil, count: 0)
  }

  deinit { memory.deallocate() }

  /// The number of bytes in the queue.
  @inline(__always)
  package var count: Int { end &- start }

  @inline(__always)
  package var isEmpty: Bool { start == end }

  var capacity: Int { memory.count }

  /// The bytes in the queue, valid during a call in which nothing else uses the buffer.
  @inline(__always)
  package var contents: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: memory[start..<end]) }

  /// The free memory after the bytes, valid during a call in which nothing else uses the buffer. Call ``commit(_:)``
  /// after filling some of it.
  @inline(__always)
  var room: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: memory[end...]))
  }

  /// Adds the first `count` bytes of ``room`` to the queue.
  @inline(__always)
  mutating func commit(_ count: Int) {
    precondition(count >= 0 && count <= memory.count - end)
    end += count
  }

  /// Removes the first `count` bytes.
  @inline(__always)
  package mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= end - start)
    start += count
    if start == end { removeAll() }
  }

  @inline(__always)
  package mutating func removeAll() {
    start = 0
    end = 0
  }

  /// Makes room for `count` more bytes.
  @inline(__always)
  mutating func reserve(_ count: Int) {
    if memory.count &- end < count { grow(count) }
  }

  @inline(never)
  private mutating func grow(_ count: Int) {
    // If half of the memory is enough, the bytes are moved to its front. This never moves more bytes than have been
    // removed since the last time.
    if self.count + count <= memory.count / 2, let base = memory.baseAddress {
      memmove(base, base + start, self.count)
      end -= start
      start = 0
      return
    }
    let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(memory.count * 2, self.count + count))
    _ = larger.initialize(fromContentsOf: contents)
    memory.deallocate()
    memory = larger
    end -= start
    start = 0
  }

  @inline(__always)
  package mutating func append(_ byte: UInt8) {
    reserve(1)
    memory[end] = byte
    end &+= 1
  }

  @inline(__always)
  package mutating func append(_ source: Span<UInt8>) {
    source.withUnsafeBufferPointer { append(copying: $0) }
  }

  @inline(__always)
  package mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { append(copying: $0) }
  }

  /// Removes the last `count` bytes.
  mutating func removeLast(_ count: Int) {
    precondition(count >= 0 && count <= end - start)
    end -= count
  }

  /// Replaces the byte at `index`, counted from the first in the queue.
  @inline(__always)
  mutating func replace(at index: Int, with byte: UInt8) {
    precondition(index >= 0 && index < end - start)
    memory[start + index] = byte
  }

  /// Appends `number`, which must not be negative, in decimal, padded with zeros to `digits` digits.
  @inline(__always)
  mutating func append(decimal number: Int, digits: Int) {
    precondition((1...18).contains(digits))
    var limit = 10
    for _ in 1..<digits {
      if number < limit { append(UInt8(ascii: "0")) }
      limit *= 10
    }
    append(decimal: number)
  }

  /// Appends `number`, which must not be negative, in decimal.
  mutating func append(decimal number: Int) {
    var digits = 1
    // Nineteen are the most that an `Int` has, so that the bound does not overflow.
    var bound = 10
    while digits < 19, number >= bound {
      digits &+= 1
      bound &*= 10
    }
    reserve(digits)
    end &+= digits
    // The digits are computed from the last to the first.
    var position = end
    var rest = UInt(number)
    repeat {
      position &-= 1
      memory[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
  }

  /// Appends `number`, which must not be negative, in hexadecimal.
  mutating func append(hexadecimal number: Int) {
    var shift = 0
    while number >> shift >= 16 { shift += 4 }
    while shift >= 0 {
      let digit = UInt8(truncatingIfNeeded: number >> shift & 15)
      append(digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &+ digit &- 10)
      shift -= 4
    }
  }

  @inline(__always)
  private mutating func append(copying source: UnsafeBufferPointer<UInt8>) {
    guard let from = source.baseAddress, source.count > 0 else { return }
    reserve(source.count)
    guard let to = memory.baseAddress else { return }
    memcpy(to + end, from, source.count)
    end &+= source.count
  }
}
