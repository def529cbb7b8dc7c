import Glibc

/// Looking into bytes that lie somewhere else.
extension Span<UInt8> {
  /// Where `byte` first is, from `start` on.
  @inline(__always)
  func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
    withUnsafeBytes { buffer in
      guard start < buffer.count, let base = buffer.baseAddress,
        // Within `buffer`: `start` is less than its count, and no more than the rest of it is looked at.
        let found = memchr(base + start, Int32(byte), buffer.count - start)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }

  /// Whether these are the same bytes as `other`.
  @inline(__always)
  func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    return withUnsafeBytes { mine in
      other.withUnsafeBytes { theirs in
        guard let a = mine.baseAddress, let b = theirs.baseAddress else { return true }
        // Both have as many bytes as the first.
        return memcmp(a, b, mine.count) == 0
      }
    }
  }

  /// Whether there is an upper-case letter of ASCII among these bytes.
  @inline(__always)
  var hasUppercase: Bool {
    var found = false
    // All bytes are looked at, so that several can be at once.
    for index in indices { found = self[index] &- 0x41 < 26 || found }
    return found
  }

  /// Whether these are the same bytes as `other`, where the case of a letter of ASCII does not matter.
  func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in indices where self[index].lowercased != other[index].lowercased { return false }
    return true
  }

  /// Whether these bytes spell `text`, which is in lower case, where case does not matter.
  @inline(__always)
  func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { characters in
      for index in indices where self[index].lowercased != characters[index] { return false }
      return true
    }
  }

  /// The bytes without the blanks (SP and HTAB) at either end: where they begin and end.
  @inline(__always)
  func trimmed(from start: Int, to end: Int) -> Range<Int> {
    var start = start
    var end = end
    while start < end, self[start].isBlank { start += 1 }
    while end > start, self[end - 1].isBlank { end -= 1 }
    return start..<end
  }

  /// Whether nothing here is forbidden in a field value: no control character but HTAB (RFC 9110 section 5.5).
  @inline(__always)
  var isFieldContent: Bool {
    allSatisfy {
      $0 >= 0x20 && $0 != 0x7F || $0 == 0x09
    } orAtOnce: {
      !$0.has(below: 0x20) && !$0.has(0x7F)
    }
  }

  /// Whether all of these are visible ASCII characters, and none begins a fragment, which is never sent.
  @inline(__always)
  var isTargetText: Bool {
    allSatisfy {
      $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#")
    } orAtOnce: {
      !$0.has(below: 0x21) && !$0.has(0x7F) && !$0.has(UInt8(ascii: "#")) && $0.isASCII
    }
  }

  /// Whether `isGood` holds for each byte.
  ///
  /// - Parameter areGood: says so of eight bytes at once, or says no where it cannot tell.
  @inline(__always)
  private func allSatisfy(_ isGood: (UInt8) -> Bool, orAtOnce areGood: (UInt64) -> Bool) -> Bool {
    var index = 0
    while count - index >= 8 {
      let word = bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
      if !areGood(word) {
        for index in index..<index + 8 where !isGood(self[index]) { return false }
      }
      index += 8
    }
    while index < count {
      if !isGood(self[index]) { return false }
      index += 1
    }
    return true
  }

  /// A run of at least one digit and nothing else, if it fits (RFC 9110 section 8.6: `Content-Length = 1*DIGIT`).
  var decimalValue: Int? {
    guard !isEmpty else { return nil }
    var value = 0
    for index in indices {
      guard self[index].isDigit else { return nil }
      let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow) = product.addingReportingOverflow(Int(self[index] &- 0x30))
      if tooLarge || overflow { return nil }
      value = sum
    }
    return value
  }
}

/// Bytes as numbers.
extension Span<UInt8> {
  /// Returns up to eight bytes from `start` on as an integer, the first in the lowest byte.
  @inline(__always)
  func packed(from start: Int) -> UInt64 {
    let count = Swift.min(8, count - start)
    // Two overlapping loads, since there is no single load for these sizes.
    switch count {
    case 8: return littleEndian(at: start, as: UInt64.self)
    case 4...7:
      let last = UInt64(littleEndian(at: start + count - 4, as: UInt32.self))
      return UInt64(littleEndian(at: start, as: UInt32.self)) | last << UInt64(truncatingIfNeeded: 8 * (count - 4))
    case 2...3:
      let last = UInt64(littleEndian(at: start + count - 2, as: UInt16.self))
      return UInt64(littleEndian(at: start, as: UInt16.self)) | last << UInt64(truncatingIfNeeded: 8 * (count - 2))
    default: return UInt64(self[start])
    }
  }

  @inline(__always)
  private func littleEndian<Word: FixedWidthInteger & BitwiseCopyable>(at start: Int, as type: Word.Type) -> Word {
    precondition(start >= 0 && start + MemoryLayout<Word>.size <= count)
    // Within these bytes, as has just been checked.
    return Word(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: type))
  }
}

/// Eight bytes at once.
extension UInt64 {
  private static var ones: UInt64 { 0x0101_0101_0101_0101 }
  private static var tops: UInt64 { 0x8080_8080_8080_8080 }

  /// Whether one of the bytes is below `bound`, which is no more than 0x80; it may say so where none is, and never the
  /// other way round.
  @inline(__always)
  fileprivate func has(below bound: UInt8) -> Bool {
    (self &- Self.ones &* UInt64(bound)) & ~self & Self.tops != 0
  }

  /// Whether one of the bytes is `byte`.
  @inline(__always)
  fileprivate func has(_ byte: UInt8) -> Bool { (self ^ Self.ones &* UInt64(byte)).has(below: 1) }

  /// Whether all of the bytes are below 0x80.
  @inline(__always)
  fileprivate var isASCII: Bool { self & Self.tops == 0 }
}
