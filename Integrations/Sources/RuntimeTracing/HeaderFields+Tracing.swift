public import Instrumentation
public import RuntimeHTTP
import Tracing

extension HeaderFields {
  /// The trace context in the fields of a request: W3C Trace Context, and the format of the process's instrument.
  ///
  /// Without a valid `traceparent`, or with several of them, a new trace begins. Several `tracestate` fields form one
  /// list.
  public var instrumentationContext: InstrumentationContext {
    var context = InstrumentationContext.topLevel
    let parents = values(for: "traceparent")
    let states = values(for: "tracestate").filter { !$0.isEmpty }
    let caller =
      parents.count == 1 ? TraceContext(traceparent: parents[0], tracestate: states.joined(separator: ",")) : nil
    context.traceContext = caller.map(\.child) ?? TraceContext()
    InstrumentationSystem.instrument.extract(self, into: &context, using: FieldExtractor())
    return context
  }

  /// Sets the fields that propagate a trace context to the receiver of an outgoing request: `traceparent` and
  /// `tracestate`, and those of the process's instrument.
  ///
  /// ```swift
  /// var headers: HeaderFields = [:]
  /// headers.inject(.current)  // in a handler behind `RequestTracing`
  /// ```
  ///
  /// - Parameter context: the context of the sender; with `nil` nothing is set.
  public mutating func inject(_ context: InstrumentationContext?) {
    guard let context else { return }
    if let trace = context.traceContext {
      self["traceparent"] = trace.traceparent
      self["tracestate"] = trace.state
    }
    InstrumentationSystem.instrument.inject(context, into: &self, using: FieldInjector())
  }
}

private struct FieldExtractor: Extractor {
  func extract(key: String, from fields: HeaderFields) -> String? { fields[key] }
}

private struct FieldInjector: Injector {
  /// Omits a field that HTTP does not allow.
  func inject(_ value: String, forKey name: String, into fields: inout HeaderFields) {
    fields.remove(name)
    try? fields.append(name, value)
  }
}
