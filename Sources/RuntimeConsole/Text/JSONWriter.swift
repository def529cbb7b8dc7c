import Runtime

/// A writer for one JSON value (RFC 8259). Nesting is expressed with closures, so brackets and commas are always
/// correct.
struct JSONWriter {
  private(set) var bytes: [UInt8] = []
  /// Whether the next member or element needs a comma before it.
  private var needsComma = false

  // MARK: Values

  mutating func value(_ text: String) {
    bytes.append(json: text.utf8.span)
    needsComma = true
  }

  mutating func value(_ number: Int) {
    bytes.append(decimal: number)
    needsComma = true
  }

  mutating func value(_ duration: Duration) {
    bytes.append(seconds: duration)
    needsComma = true
  }

  mutating func value(_ isTrue: Bool) {
    bytes.append(text: isTrue ? "true" : "false")
    needsComma = true
  }

  mutating func null() {
    bytes.append(text: "null")
    needsComma = true
  }

  /// Writes an object with the members that `body` writes.
  mutating func object(_ body: (inout JSONWriter) -> Void) { nest("{", "}", body) }

  /// Writes an array. `body` writes one value for each element.
  mutating func array<Element>(_ elements: some Sequence<Element>, _ body: (inout JSONWriter, Element) -> Void) {
    nest("[", "]") { writer in
      for element in elements {
        writer.separate()
        body(&writer, element)
      }
    }
  }

  // MARK: Members

  /// Writes a member with the value that `body` writes.
  mutating func member(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(text: name)
    bytes.append(text: "\":")
    body(&self)
  }

  mutating func member(_ name: StaticString, _ text: String?) {
    member(name) { writer in
      if let text { writer.value(text) } else { writer.null() }
    }
  }

  mutating func member(_ name: StaticString, _ number: Int?) {
    member(name) { writer in
      if let number { writer.value(number) } else { writer.null() }
    }
  }

  mutating func member(_ name: StaticString, _ duration: Duration?) {
    member(name) { writer in
      if let duration { writer.value(duration) } else { writer.null() }
    }
  }

  mutating func member(_ name: StaticString, _ isTrue: Bool) { member(name) { $0.value(isTrue) } }

  mutating func object(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
    member(name) { $0.object(body) }
  }

  mutating func array<Element>(
    _ name: StaticString, _ elements: some Sequence<Element>, _ body: (inout JSONWriter, Element) -> Void
  ) {
    member(name) { $0.array(elements, body) }
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = false
  }

  private mutating func nest(_ open: StaticString, _ close: StaticString, _ body: (inout JSONWriter) -> Void) {
    bytes.append(text: open)
    needsComma = false
    body(&self)
    bytes.append(text: close)
    needsComma = true
  }
}
