public import Instrumentation

/// The position of a request in a distributed trace: the content of `traceparent` and `tracestate` (W3C Trace Context,
/// <https://www.w3.org/TR/trace-context/>).
public struct TraceContext: Hashable, Sendable {
  /// The trace identifier: 32 lower-case hexadecimal digits, not all zero.
  public let traceID: String
  /// The span identifier: 16 lower-case hexadecimal digits, not all zero.
  public let spanID: String
  /// Whether the caller may have recorded the trace.
  public let isSampled: Bool
  /// The value of `tracestate`, which is passed on unchanged.
  public let state: String?

  /// Creates the context of a new trace with random identifiers. It is not sampled, since that decision belongs to a
  /// tracer.
  public init() {
    traceID = Self.digits((.random(in: 1 ... .max), .random(in: 0 ... .max)))
    spanID = Self.newSpanID
    isSampled = false
    state = nil
  }

  /// Parses the two fields.
  ///
  /// A version later than 00 is parsed as far as it agrees with 00, as the standard requires. A `tracestate` of more
  /// than 512 characters is dropped.
  ///
  /// - Returns: `nil` if `traceparent` is malformed, in which case a new trace should begin.
  public init?(traceparent: String, tracestate: String? = nil) {
    let bytes = Array(traceparent.utf8)
    let dashes = [2, 35, 52]
    guard bytes.count >= 55, dashes.allSatisfy({ bytes[$0] == UInt8(ascii: "-") }) else { return nil }
    guard bytes[..<55].indices.allSatisfy({ dashes.contains($0) || bytes[$0].isLowercaseHexDigit }) else { return nil }
    let version = bytes[..<2]
    guard !version.elementsEqual("ff".utf8) else { return nil }
    let isKnown = version.elementsEqual("00".utf8)
    guard bytes.count == 55 || !isKnown && bytes[55] == UInt8(ascii: "-") else { return nil }
    let (trace, span) = (bytes[3..<35], bytes[36..<52])
    let zero = UInt8(ascii: "0")
    guard trace.contains(where: { $0 != zero }), span.contains(where: { $0 != zero }) else { return nil }
    traceID = String(decoding: trace, as: UTF8.self)
    spanID = String(decoding: span, as: UTF8.self)
    // The lowest bit of the last digit: 1, 3, 5, 7, 9, b, d and f.
    isSampled = UInt8(String(decoding: bytes[54..<55], as: UTF8.self), radix: 16).map { $0 & 1 == 1 } ?? false
    state = tracestate.flatMap { $0.isEmpty || $0.utf8.count > 512 ? nil : $0 }
  }

  private init(traceID: String, spanID: String, isSampled: Bool, state: String?) {
    self.traceID = traceID
    self.spanID = spanID
    self.isSampled = isSampled
    self.state = state
  }

  /// A context with the same trace and a new span.
  public var child: TraceContext {
    TraceContext(traceID: traceID, spanID: Self.newSpanID, isSampled: isSampled, state: state)
  }

  /// The value of `traceparent` for this context.
  public var traceparent: String { "00-\(traceID)-\(spanID)-0\(isSampled ? 1 : 0)" }

  private static var newSpanID: String { digits(.random(in: 1 ... .max)) }

  private static func digits(_ parts: (UInt64, UInt64)) -> String { digits(parts.0) + digits(parts.1) }

  private static func digits(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension TraceContext: CustomStringConvertible {
  /// The value of ``traceparent``.
  public var description: String { traceparent }
}

extension UInt8 {
  fileprivate var isLowercaseHexDigit: Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self)
  }
}

private enum TraceContextKey: InstrumentationContextKey {
  typealias Value = TraceContext
  static var nameOverride: String? { "traceparent" }
}

extension InstrumentationContext {
  /// The current trace context: in a handler, that of the request.
  public var traceContext: TraceContext? {
    get { self[TraceContextKey.self] }
    set { self[TraceContextKey.self] = newValue }
  }
}
