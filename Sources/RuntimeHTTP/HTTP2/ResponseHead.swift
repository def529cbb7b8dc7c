extension HTTP2Core {
  /// Appends the header lines of a response (RFC 9113 section 8.3.2): its fields, except those that the engine
  /// controls, and the lines that every response has.
  ///
  /// - Returns: Whether the connection has to end after the response, because its fields contain `Connection: close`.
  mutating func encode(_ status: Status, _ fields: HeaderFields, contentLength: Int?) -> Bool {
    let version = encoder.tableVersion
    if repeatedHead.isSame(status, fields, tableVersion: version) {
      let lines = repeatedHead.lines
      output.append(lines.span.extracting(..<repeatedHead.lengthPosition))
      if let contentLength { encodeLength(contentLength) }
      output.append(lines.span.extracting(repeatedHead.lengthPosition...))
      return false
    }
    let start = output.count
    let (length, closes) = encodeLines(status, fields, contentLength: contentLength)
    // A head that changed the table is encoded shorter the next time; one that ends the connection has no next time.
    if !closes, encoder.tableVersion == version {
      let block = output.contents
      repeatedHead.replace(
        status, fields, tableVersion: version, block: block.span.extracting(start...),
        length: length.lowerBound - start..<length.upperBound - start)
    }
    return closes
  }

  /// Appends the lines. Returns the range of the `Content-Length` line in the output, or the position where it would
  /// be.
  @inline(__always)
  private mutating func encodeLines(
    _ status: Status, _ fields: HeaderFields, contentLength: Int?
  ) -> (length: Range<Int>, closes: Bool) {
    encoder.encode(status: Int(status.code), into: &output)
    var hasDate = false
    var hasServer = false
    var closes = false
    let bytes = fields.bytes.span
    var position = 0
    while let entry = fields.nextEntry(&position) {
      let name = bytes.extracting(entry.nameRange)
      let value = bytes.extracting(entry.valueRange)
      switch entry.name {
      // Section 8.2.2: fields of an HTTP/1 connection are not allowed here.
      case .contentLength, .keepAlive, .te, .transferEncoding, .upgrade: continue
      case .other where name.count == 16 && name.equalsIgnoringCase("proxy-connection"): continue
      case .connection:
        closes = closes || value.listContains("close")
        continue
      case .date where hasDate: continue
      case .date: hasDate = true
      case .server: hasServer = true
      default: break
      }
      encoder.encode(name, value, into: &output)
    }
    let lengthStart = output.count
    if let contentLength { encodeLength(contentLength) }
    let length = lengthStart..<output.count
    if !hasDate, !date.line.isEmpty {
      let line = date.line
      encoder.encode("date", line.span.extracting(DateCache.value), into: &output)
    }
    if !hasServer, !serverName.isEmpty {
      let name = serverName
      encoder.encode("server", name.span, into: &output)
    }
    return (length, closes)
  }

  /// Appends the header lines of an informational response.
  mutating func encodeInformational(_ status: Status, _ fields: HeaderFields) {
    encoder.encode(status: Int(status.code), into: &output)
    let bytes = fields.bytes.span
    var position = 0
    while let entry = fields.nextEntry(&position) {
      encoder.encode(
        bytes.extracting(entry.nameRange), bytes.extracting(entry.valueRange), into: &output)
    }
  }

  @inline(__always)
  private mutating func encodeLength(_ length: Int) {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var start = 20
    var rest = length
    repeat {
      start -= 1
      digits[start] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
    encoder.encode(nameIndex: StaticTable.contentLength, digits.span.extracting(start..<20), into: &output)
  }

  /// Appends the lines of the trailers.
  mutating func encodeTrailers(_ trailers: HeaderFields) {
    let bytes = trailers.bytes.span
    var position = 0
    while let entry = trailers.nextEntry(&position) {
      if trailers.isForbiddenInTrailers(entry) { continue }
      encoder.encode(
        bytes.extracting(entry.nameRange), bytes.extracting(entry.valueRange), into: &output)
    }
  }
}

extension HeaderFields {
  /// Whether any of these fields is allowed in trailers.
  var hasTrailers: Bool {
    var position = 0
    while let entry = nextEntry(&position) {
      if !isForbiddenInTrailers(entry) { return true }
    }
    return false
  }
}
