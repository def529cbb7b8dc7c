import Instrumentation
public import Logging

extension Logger.MetadataProvider {
  /// Adds `trace_id` and `span_id` to what is logged in a handler behind ``RequestTracing``.
  ///
  /// ```swift
  /// LoggingSystem.bootstrap(handler, metadataProvider: .traceContext)
  /// ```
  ///
  /// They are those of ``TraceContext``, which services on both sides know. A tracer with identities of its own brings a
  /// provider of its own.
  public static var traceContext: Logger.MetadataProvider {
    Logger.MetadataProvider {
      guard let trace = InstrumentationContext.current?.traceContext else { return [:] }
      return ["trace_id": .string(trace.traceID), "span_id": .string(trace.spanID)]
    }
  }
}
