import Glibc

/// Bytes that are appended at one end and taken from the other, in one piece of memory that is kept between uses.
///
/// It is what a connection reads into and writes from. Its memory is its own and never moves but in ``reserve(_:)``;
/// everything in this file that is unsafe, or does not check for overflow, rests on `0 <= start <= end <= memory.count`.
package struct ByteBuffer: ~Copyable {
  private var memory: UnsafeMutableBufferPointer<UInt8>
  private var start = 0
  private var end = 0

  package init(capacity: Int) {
    memory = capacity > 0 ? .allocate(capacity: capacity) : UnsafeMutableBufferPointer(start: nil, count: 0)
  }

  deinit { memory.deallocate() }

  /// How many bytes there are to take.
  @inline(__always)
  package var count: Int { end &- start }

  @inline(__always)
  package var isEmpty: Bool { start == end }

  var capacity: Int { memory.count }

  /// The bytes there are to take, for a call during which nothing else touches the buffer.
  @inline(__always)
  package var taken: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: memory[start..<end]) }

  /// The room after the bytes, for a call during which nothing else touches the buffer; ``commit(_:)`` says how much of
  /// it has been filled.
  @inline(__always)
  var room: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: memory[end...]))
  }

  /// Counts in the first `count` bytes of ``room``.
  @inline(__always)
  mutating func commit(_ count: Int) {
    precondition(count >= 0 && count <= memory.count - end)
    end += count
  }

  /// Takes the first `count` bytes.
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
    // Where half of the memory is enough, the bytes are moved to its front; never more of them than have been taken
    // since they were last moved.
    if self.count + count <= memory.count / 2, let base = memory.baseAddress {
      memmove(base, base + start, self.count)
      end -= start
      start = 0
      return
    }
    let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(memory.count * 2, self.count + count))
    _ = larger.initialize(fromContentsOf: taken)
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

  /// Takes back the last `count` bytes.
  mutating func removeLast(_ count: Int) {
    precondition(count >= 0 && count <= end - start)
    end -= count
  }

  /// Puts `byte` in the place of the one at `index` of those there are to take.
  @inline(__always)
  mutating func replace(at index: Int, with byte: UInt8) {
    precondition(index >= 0 && index < end - start)
    memory[start + index] = byte
  }

  /// Appends `number` in decimal digits, with zeros in front where it has fewer than `digits`; it is not negative.
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

  /// Appends `number` in decimal digits; it is not negative.
  mutating func append(decimal number: Int) {
    var digits = 0
    var rest = UInt(number)
    repeat {
      digits += 1
      rest /= 10
    } while rest > 0
    reserve(digits)
    end &+= digits
    // The last comes first.
    var position = end
    rest = UInt(number)
    repeat {
      position &-= 1
      memory[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
  }

  /// Appends `number` in hexadecimal digits; it is not negative.
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
