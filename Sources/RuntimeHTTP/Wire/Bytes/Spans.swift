import Glibc

/// Searching and comparing bytes.
extension Span<UInt8> {
  /// Returns the index of the first `byte` from `start` on.
  @inline(__always)
  func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
    withUnsafeBytes { buffer in
      guard start < buffer.count, let base = buffer.baseAddress,
        // In bounds: `start` is less than the count, and only the rest is searched.
        let found = memchr(base + start, Int32(byte), buffer.count - start)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }

  /// Returns whether these bytes equal `other`.
  @inline(__always)
  func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    return withUnsafeBytes { mine in
      other.withUnsafeBytes { theirs in
        guard let a = mine.baseAddress, let b = theirs.baseAddress else { return true }
        // In bounds: both have the same count.
        return memcmp(a, b, mine.count) == 0
      }
    }
  }

  /// Whether there is an upper-case ASCII letter among these bytes.
  @inline(__always)
  var hasUppercase: Bool {
    var found = false
    // There is no early exit, so that the loop is vectorised.
    for index in indices { found = self[index] &- 0x41 < 26 || found }
    return found
  }

  /// Returns whether these bytes equal `other`, ignoring the case of ASCII letters.
  func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in indices where self[index].lowercased != other[index].lowercased { return false }
    return true
  }

  /// Returns whether these bytes equal `text`, ignoring case. `text` must be in lower case.
  @inline(__always)
  func equalsIgnoringCase(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { characters in
      for index in indices where self[index].lowercased != characters[index] { return false }
      return true
    }
  }

  /// Returns the given range without leading and trailing blanks (SP and HTAB).
  @inline(__always)
  func trimmed(from start: Int, to end: Int) -> Range<Int> {
    var start = start
    var end = end
    while start < end, self[start].isBlank { start += 1 }
    while end > start, self[end - 1].isBlank { end -= 1 }
    return start..<end
  }

  /// Whether all bytes are valid in a field value.
  @inline(__always)
  var isFieldContent: Bool {
    allSatisfy {
      $0.isFieldContent
    } orAtOnce: {
      !$0.has(below: 0x20) && !$0.has(0x7F)
    }
  }

  /// Whether all bytes are visible ASCII characters other than `#`, since a fragment is never sent.
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
  /// - Parameter areGood: Tests eight bytes at once. May return `false` although all are good, never the reverse.
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

  /// The value of a string of decimal digits (RFC 9110 section 8.6: `Content-Length = 1*DIGIT`). `nil` if it is empty,
  /// has other characters, or overflows.
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

/// Bytes as integers.
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
    // In bounds, by the precondition above.
    return Word(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: start, as: type))
  }
}

/// Eight bytes at once.
extension UInt64 {
  private static var ones: UInt64 { 0x0101_0101_0101_0101 }
  private static var tops: UInt64 { 0x8080_8080_8080_8080 }

  /// Whether one of the bytes is below `bound`, which is at most 0x80. May be true although none is, never the reverse.
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
