public import Instrumentation
public import RuntimeHTTP
import Tracing

extension HeaderFields {
  /// What these fields of a request say of the trace that it belongs to: by W3C Trace Context, and by whatever else the
  /// instrument of the process reads.
  ///
  /// Without a valid `traceparent` a trace begins. Several fields of that name say nothing; several of `tracestate` are
  /// one list.
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

  /// Sets what tells the receiver of a request of ours which trace it belongs to: `traceparent` and `tracestate`, and
  /// whatever else the instrument of the process writes.
  ///
  /// ```swift
  /// var headers: HeaderFields = [:]
  /// headers.inject(.current)  // in a handler behind `RequestTracing`
  /// ```
  ///
  /// - Parameter context: the step that asks; nothing is set if it is `nil`.
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
  /// A field that HTTP does not allow is left out.
  func inject(_ value: String, forKey name: String, into fields: inout HeaderFields) {
    fields.remove(name)
    try? fields.append(name, value)
  }
}
