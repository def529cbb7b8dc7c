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
    let raw = bytes
    var index = 0
    while index + 8 <= count {
      let word = raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
      guard !word.hasControlCharacter || allFieldContent(index..<index + 8) else { return false }
      index += 8
    }
    return allFieldContent(index..<count)
  }

  private func allFieldContent(_ range: Range<Int>) -> Bool {
    for index in range where self[index] < 0x20 && self[index] != 0x09 || self[index] == 0x7F { return false }
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

extension UInt64 {
  /// Whether one of the eight bytes may be below 0x20 or is 0x7F; never says no where one is.
  @inline(__always)
  fileprivate var hasControlCharacter: Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let tops: UInt64 = 0x8080_8080_8080_8080
    let below = (self &- ones &* 0x20) & ~self & tops
    let deletes = self ^ (ones &* 0x7F)
    return below | ((deletes &- ones) & ~deletes & tops) != 0
  }
}
